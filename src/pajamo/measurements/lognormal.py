"""Means of ln(1 + CP10K) as an instrument reports them: a Gaussian around the true mean.

A mean over tens of cells is close to Gaussian, whatever the distribution of the cells (central limit).
"""

from __future__ import annotations

import math

import torch

LOG_TWO_PI = math.log(2.0 * math.pi)


def negative_log_likelihood(
    observed: torch.Tensor,
    predicted: torch.Tensor,
    variance_of_mean: torch.Tensor,
    extra_variance: torch.Tensor | float = 0.0,
) -> torch.Tensor:
    """Negative logarithm of the density of observed means, elementwise.

    Parameters
    ----------
    observed, predicted: means of ln(1 + CP10K), broadcastable, usually (conditions, genes).
    variance_of_mean: squared standard error of the observed means, from the cells.
    extra_variance: what the prediction is allowed to miss beyond sampling, for instance interactions.
    """
    variance = variance_of_mean + extra_variance
    return 0.5 * ((observed - predicted) ** 2 / variance + torch.log(variance) + LOG_TWO_PI)


def variance_of_log1p(mean: torch.Tensor, variance: torch.Tensor) -> torch.Tensor:
    """Variance of ln(1 + x) for x of the given mean and variance, to first order (delta method).

    d ln(1 + x) / dx = 1 / (1 + x), so Var[ln(1 + x)] is about Var[x] / (1 + E x)^2.
    """
    return variance / (1.0 + mean) ** 2


def mean_of_log1p(mean: torch.Tensor, variance: torch.Tensor) -> torch.Tensor:
    """Mean of ln(1 + x) to second order: ln(1 + E x) - Var[x] / (2 (1 + E x)^2).

    Good while the standard deviation of x is small against 1 + E x; for counts of single cells use
    `pajamo.measurements.counts.mean_log1p`, which is exact.
    """
    return torch.log1p(mean) - 0.5 * variance_of_log1p(mean, variance)
