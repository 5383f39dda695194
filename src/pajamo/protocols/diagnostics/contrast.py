"""Is a weighted sum of group means zero? One test for every comparison of responses.

A change between two times, a double against the sum of its singles, one medium against another: each is a sum
of means of groups of cells with weights 1 and -1, that is zero for every gene if the assumption holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Group = tuple[float, Array]
"""Weight, and values of the group's cells, shape (cells, genes)."""

LEAST_CELLS = 10
"""Cells that each group must have."""


@dataclass(frozen=True)
class Contrast:
    """What a sum of means is, and whether chance explains it.

    Attributes
    ----------
    change: the sum, shape (genes,).
    size: its length beyond noise, root mean square over genes, in the unit of the values.
    low, high: 95 % interval of that size.
    p: probability of so large a sum if it is zero in truth.
    """

    change: Array
    size: float
    low: float
    high: float
    p: float


def contrast(groups: Sequence[Group], rng: np.random.Generator, *, resamples: int = 400) -> Contrast:
    """Test whether the weighted sum of the groups' means is zero in every gene.

    The statistic is Hotelling's T^2 with a covariance shrunk to its diagonal, and each variance half-way to their
    median; its distribution under the null is that of resampled cells about their own means, which keeps the
    correlation of genes (Hall and Wilson 1991, Biometrics 47, 757). The size is that of the sum less what noise adds
    to its square.
    """
    change = _sum_of(groups)
    variance = _shrunk(np.sum([w**2 * x.var(axis=0, ddof=1) / len(x) for w, x in groups], axis=0))
    noise = _noise(groups, rng, resamples)
    observed = float((change**2 / variance).sum())
    null = (noise**2 / variance).sum(axis=1)
    p = (1 + int((null >= observed).sum())) / (1 + resamples)
    added = float((noise**2).mean())
    # A resampled sum holds the noise twice: once measured, once resampled.
    squares = ((change + noise) ** 2).mean(axis=1) - 2 * added
    low, high = np.quantile(squares, [0.025, 0.975])
    size = float((change**2).mean()) - added
    return Contrast(change, _root(size), _root(float(low)), _root(float(high)), p)


def _sum_of(groups: Sequence[Group]) -> Array:
    return np.asarray(np.sum([w * x.mean(axis=0) for w, x in groups], axis=0))


def _shrunk(variance: Array) -> Array:
    middle = float(np.median(variance))
    return np.asarray((variance + middle) / 2 + 1e-12)


def _noise(groups: Sequence[Group], rng: np.random.Generator, resamples: int) -> Array:
    """Resampled errors of the sum, shape (resamples, genes)."""
    total = np.zeros((resamples, groups[0][1].shape[1]))
    for weight, values in groups:
        n = len(values)
        drawn = rng.multinomial(n, np.full(n, 1 / n), size=resamples) - 1.0
        # Resampled means vary by (n - 1) / n too little.
        total += weight * np.sqrt(n / (n - 1)) / n * (drawn @ values)
    return total


def _root(square: float) -> float:
    return float(np.sqrt(max(0.0, square)))
