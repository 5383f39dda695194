"""Low-rank factors of a covariance of which only single columns are ever computed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
TOLERANCE = 1e-10
"""Share of the largest variance below which nothing is left to explain."""


def pivoted_factor(columns: Callable[[NDArray[np.intp]], Array], diagonal: Array, rank: int) -> Array:
    """Pivoted Cholesky: F of shape (N, at most rank), F F' as near to the covariance as greedy pivots bring it.

    Harbrecht, Peters and Schneider 2012 (Appl Numer Math 62, 428). The diagonal is never overstated.

    Parameters
    ----------
    columns: covariance of all candidates with the rows given, shape (N, len(rows)).
    diagonal: variances, shape (N,).
    rank: most columns.
    """
    left = np.array(diagonal, dtype=float)
    floor = TOLERANCE * max(float(left.max(initial=0.0)), np.finfo(float).tiny)
    found: list[Array] = []
    for _ in range(min(rank, len(left))):
        pivot = int(np.argmax(left))
        if not left[pivot] > floor:
            break
        column = columns(np.array([pivot]))[:, 0].copy()
        for earlier in found:
            column -= earlier * earlier[pivot]
        column /= np.sqrt(left[pivot])
        found.append(column)
        left = np.maximum(left - column**2, 0.0)
        left[pivot] = 0.0
    return np.stack(found, axis=1) if found else np.zeros((len(left), 0))
