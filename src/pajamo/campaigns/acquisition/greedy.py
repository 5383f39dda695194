"""The next member of a batch: the best row, ties at random; and lazy evaluation where gains only fall."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pajamo.campaigns.predictive import Array, Rows

TIE = 1e-12
"""Relative difference below which two gains are the same."""
FIRST_BLOCK = 64


def best_row(gains: Array, rng: np.random.Generator, second: Array | None = None) -> int:
    """Row of the highest gain that is not NaN; among equals the highest `second`, then any.

    Parameters
    ----------
    gains, second: shape (N,).
    """
    keys = np.where(np.isnan(gains), -np.inf, gains)
    top = keys.max()
    rows = np.flatnonzero(keys >= top - TIE * max(abs(float(top)), np.finfo(float).tiny))
    if second is not None and len(rows) > 1:
        rows = rows[second[rows] == second[rows].max()]
    return int(rows[0] if len(rows) == 1 else rng.choice(rows))


def lazy_best(
    bounds: Array, gains_of: Callable[[Rows], Array], rng: np.random.Generator, second: Array | None = None
) -> int:
    """Row of the highest gain where `bounds` are known to be at least the gains (Minoux 1978).

    Gains that fall as a batch grows (submodular ones) are bounded by what they were before, so that only candidates
    whose bound reaches the best gain found are looked at. Exact.

    Parameters
    ----------
    bounds: shape (N,), minus infinity where a row cannot be chosen; replaced by gains where these were computed.
    gains_of: rows -> gains.
    second: what decides between equal gains.
    """
    order = np.lexsort((np.zeros(len(bounds)) if second is None else -second, -bounds))
    order = order[: int(np.isfinite(bounds).sum())]
    best, start, block = -np.inf, 0, FIRST_BLOCK
    while start < len(order) and bounds[order[start]] > best:
        rows = order[start : start + block]
        bounds[rows] = gains_of(rows)
        best = max(best, float(bounds[rows].max()))
        start, block = start + block, min(2 * block, 1024)
    looked_at = order[:start]
    return int(looked_at[best_row(bounds[looked_at], rng, None if second is None else second[looked_at])])
