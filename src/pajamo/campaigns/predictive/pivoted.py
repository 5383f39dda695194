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
    found = np.zeros((len(left), min(rank, len(left))))
    for place in range(found.shape[1]):
        pivot = int(np.argmax(left))
        if not left[pivot] > floor:
            return found[:, :place].copy()
        column = columns(np.array([pivot]))[:, 0] - found[:, :place] @ found[pivot, :place]
        column /= np.sqrt(left[pivot])
        found[:, place] = column
        left = np.maximum(left - column**2, 0.0)
        left[pivot] = 0.0
    return found
