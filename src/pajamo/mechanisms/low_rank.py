"""Symmetric low-rank interactions: pairs of genes that act alike on others are filled in from one another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def complete(measured: Array, mask: NDArray[np.bool_], start: Array, threshold: float, rounds: int) -> Array:
    """Fill a symmetric matrix with a low-rank one, by expectation and maximisation.

    In each round the unmeasured entries take the current estimate, and eigenvalues e are shrunken to
    e - sign(e) threshold^2 / |e|, or to zero where |e| is below the threshold (a shrinker between soft
    and hard thresholding; soft thresholding is Mazumder et al. 2010, J. Mach. Learn. Res. 11:2287).

    Parameters
    ----------
    measured: symmetric, values where `mask` is true, shape (genes, genes).
    mask: symmetric; the diagonal is usually unmeasured.
    start: estimate to begin with.
    threshold: in the unit of the eigenvalues, positive.
    """
    estimate = start
    for _ in range(rounds):
        values, vectors = np.linalg.eigh(np.where(mask, measured, estimate))
        kept = np.abs(values) > threshold
        shrunken = values[kept] - threshold**2 / values[kept]
        estimate = (vectors[:, kept] * shrunken) @ vectors[:, kept].T
    return estimate
