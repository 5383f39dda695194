"""Places for labels along a line, as near to their values as their height allows."""

from __future__ import annotations

import numpy as np

from pajamo.reports.figures.assays.energy_matrix import Array


def spread(values: Array, room: float) -> Array:
    """Move values apart until neighbours keep their distance, by as little as possible in the sum of squares.

    With places y_i = z_i + i * room the condition is that z does not fall: isotonic regression of the values less
    their share of the room, by pooling neighbours that violate it.

    Parameters
    ----------
    values: where labels belong, rising; shape (labels,).
    room: least distance.
    """
    steps = room * np.arange(len(values))
    pools: list[tuple[float, int]] = []
    for value in np.asarray(values, dtype=float) - steps:
        mean, count = float(value), 1
        while pools and pools[-1][0] > mean:
            before, members = pools.pop()
            mean, count = (before * members + mean * count) / (members + count), members + count
        pools.append((mean, count))
    held = [mean for mean, count in pools for _ in range(count)]
    return np.asarray(np.array(held) + steps, dtype=np.float64)
