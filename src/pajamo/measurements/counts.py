"""Molecules counted in single cells: negative binomial, with library size and batch effect.

    y ~ NB(mean = library * exp(log_rate + batch), dispersion),   Var y = mean + dispersion * mean^2

The rate is a share of the library (molecules of the gene per molecule counted), so that cells that
were sequenced deeper need no correction of their data. Dispersion 0 is the Poisson distribution.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

Array = NDArray[np.float64]

SERIES_BELOW = 1e-4
"""Below this dispersion-weighted size the Poisson limit's series replaces differences that cancel."""


def expected_counts(
    log_rate: torch.Tensor, library: torch.Tensor, batch: torch.Tensor | float = 0.0
) -> torch.Tensor:
    """Mean counts, library * exp(log_rate + batch).

    Parameters
    ----------
    log_rate: ln of the share of the library, shape (cells, genes).
    library: molecules counted in each cell, shape (cells, 1).
    batch: effect of the cell's batch in ln units, broadcastable.
    """
    return library * torch.exp(log_rate + batch)


def log_prob(counts: torch.Tensor, mean: torch.Tensor, dispersion: torch.Tensor) -> torch.Tensor:
    """Logarithm of the negative binomial probability, elementwise, stable down to the Poisson limit.

    With r = 1 / dispersion, the textbook form subtracts lgamma(r) from lgamma(y + r), which loses all
    digits as r grows. Both are replaced by Stirling's series, in which the large parts cancel on paper.

    Parameters
    ----------
    counts: integers of zero or more, as floating point.
    mean: positive.
    dispersion: zero or more, broadcastable.
    """
    rising = _log_rising(counts, dispersion)
    # -(y + r) ln(1 + dispersion * mean) = -y ln(1 + dispersion * mean) - mean * ln(1 + u)/u with u -> 0.
    over = dispersion * mean
    return (
        rising
        - torch.lgamma(counts + 1.0)
        + torch.xlogy(counts, mean)
        - counts * torch.log1p(over)
        - mean * _log1p_ratio(over)
    )


def sample(mean: Array, dispersion: Array, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw counts: a gamma-distributed rate for each entry, then Poisson."""
    mean, dispersion = np.broadcast_arrays(np.asarray(mean, dtype=float), np.asarray(dispersion, dtype=float))
    over = dispersion > 0
    shape = 1.0 / np.where(over, dispersion, 1.0)
    rate = np.where(over, rng.gamma(shape, mean / shape), mean)
    return rng.poisson(rate)


def moment_dispersion(excess: Array, squared_means: Array, prior: float = 0.0) -> Array:
    """Dispersion of each gene by moments: sum((y - mean)^2 - mean) / sum(mean^2), at least 0.

    Parameters
    ----------
    excess: sum over cells of (y - mean)^2 - mean, shape (genes,).
    squared_means: sum over cells of mean^2, shape (genes,).
    prior: weight of the dispersion pooled over genes, in units of `squared_means`.
    """
    pooled = max(float(excess.sum()), 0.0) / max(float(squared_means.sum()), np.finfo(float).tiny)
    denominator = np.maximum(squared_means + prior, np.finfo(float).tiny)
    return np.maximum((excess + prior * pooled) / denominator, 0.0)


def mean_log1p(mean: Array, dispersion: Array, factor: float) -> Array:
    """Exact mean of ln(1 + factor * y) for negative binomial counts y, elementwise.

    From ln(1 + x) = int_0^inf (1 - e^{-x t}) e^{-t} / t dt (Frullani), taking the mean inside:

        E ln(1 + factor y) = int_0^inf (1 - L(factor t)) e^{-t} / t dt
        L(s) = (1 + dispersion * mean * (1 - e^{-s}))^{-1/dispersion}

    with L the Laplace transform of the counts. In ln t the trapezoid rule converges exponentially.

    Parameters
    ----------
    mean: expected counts, shape (..., genes).
    dispersion: broadcastable to it.
    factor: what brings a count to the reported scale, 1e4 / library for CP10K.
    """
    mean, dispersion = np.asarray(mean, dtype=float), np.asarray(dispersion, dtype=float)
    step = 0.4
    smallest = -math.log(max(factor * float(mean.max(initial=0.0)), 1.0)) - 24.0
    total = np.zeros(np.broadcast_shapes(mean.shape, dispersion.shape))
    for u in np.arange(smallest, math.log(40.0), step):
        lost = -np.expm1(-factor * math.exp(u)) * mean
        total -= np.expm1(-_shrink(lost, dispersion)) * math.exp(-math.exp(u)) * step
    return total


def _shrink(lost: Array, dispersion: Array) -> Array:
    """ln(1 + dispersion * lost) / dispersion, and `lost` itself at dispersion 0."""
    positive = dispersion > 0
    safe = np.where(positive, dispersion, 1.0)
    return np.where(positive, np.log1p(safe * lost) / safe, lost)


def _log1p_ratio(u: torch.Tensor) -> torch.Tensor:
    """ln(1 + u) / u, 1 at u = 0, with derivatives that stay finite there."""
    small = u < SERIES_BELOW
    safe = torch.where(small, torch.ones_like(u), u)
    series = 1.0 - u / 2.0 + u**2 / 3.0 - u**3 / 4.0
    return torch.where(small, series, torch.log1p(safe) / safe)


def _log_rising(counts: torch.Tensor, dispersion: torch.Tensor) -> torch.Tensor:
    """ln of prod_{k < y} (1 + k * dispersion), lgamma(y + r) - lgamma(r) - y ln r for r = 1/dispersion."""
    counts, dispersion = torch.broadcast_tensors(counts, dispersion)
    large = dispersion * torch.clamp(counts, min=1.0) >= SERIES_BELOW
    safe = torch.where(large, dispersion, torch.ones_like(dispersion))
    r = 1.0 / safe
    stirling = _stirling_rest(counts + r) - _stirling_rest(r)
    exact = (counts + r - 0.5) * torch.log1p(counts * safe) - counts + stirling
    series = (
        dispersion * counts * (counts - 1.0) / 2.0
        - dispersion**2 * counts * (counts - 1.0) * (2.0 * counts - 1.0) / 12.0
    )
    return torch.where(large, exact, series)


def _stirling_rest(x: torch.Tensor) -> torch.Tensor:
    """lgamma(x) - ((x - 1/2) ln x - x + ln(2 pi) / 2), without cancellation where x is large."""
    far = x > 20.0
    safe = torch.where(far, x, torch.full_like(x, 20.0))
    series = (
        1.0 / (12.0 * safe) - 1.0 / (360.0 * safe**3) + 1.0 / (1260.0 * safe**5) - 1.0 / (1680.0 * safe**7)
    )
    near = torch.where(far, torch.full_like(x, 20.0), x)
    direct = torch.lgamma(near) - ((near - 0.5) * torch.log(near) - near + 0.5 * math.log(2.0 * math.pi))
    return torch.where(far, series, direct)
