"""How much of a noise correction the number of perturbations bears.

A corrected loss subtracts noise from the second moments of the states about their mean. With few perturbations, or a
weak signal, what is left has negative eigenvalues: the loss then has no minimum, and the fit runs away along them.
The guard makes only that share of the correction for which the smallest eigenvalue stays above its own sampling
error; the rest of the naive loss acts as a ridge in the metric of the noise itself. The share tends to one as
perturbations become many, if they reach every direction of the state; choose `floor` on validation data.
"""

from __future__ import annotations

import torch

FLOOR = 1.0
"""Smallest eigenvalue that is left, in units of its sampling error."""
HALVINGS = 40


def covariance_share(mean: torch.Tensor, noise: torch.Tensor, *, floor: float = FLOOR) -> float:
    """Largest share of trace(J S J') that may be subtracted.

    Parameters
    ----------
    mean: states of the perturbations, shape (rows, components).
    noise: factor of the covariance of each, shape (rows, components, factors).
    floor: smallest eigenvalue left, in units of its sampling error.
    """
    variance = torch.einsum("rif,rjf->ij", noise, noise) / len(mean)
    naive = _gram(mean, mean)
    return _largest_share(
        naive, naive - variance, floor * _error(torch.trace(variance) / len(variance), mean)
    )


def split_half_share(halves: tuple[torch.Tensor, torch.Tensor], *, floor: float = FLOOR) -> float:
    """Largest share of the split-half product, beside the naive loss at the mean of both halves.

    Parameters
    ----------
    halves: means of disjoint halves of the cells, each of shape (rows, components).
    floor: as `covariance_share`; the noise is that of the mean of both halves, a quarter of their difference's.
    """
    first, second = halves
    product = _gram(first, second)
    middle = (first + second) / 2
    variance = (first - second).square().mean() / 4
    return _largest_share(_gram(middle, middle), (product + product.T) / 2, floor * _error(variance, middle))


def _gram(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Second moments about the means; the constant of a drift takes up the means themselves."""
    first, second = (part.detach() - part.detach().mean(0) for part in (one, other))
    return first.T @ second / len(first)


def _error(variance: torch.Tensor, states: torch.Tensor) -> float:
    """Size of the largest eigenvalue of a product of two pure noises, 2 variance sqrt(components / rows).

    Products of the two halves, each of twice the variance, are off by 2 variance / sqrt(rows) an entry; a matrix of
    such entries has eigenvalues that grow with the root of its size.
    """
    rows, components = states.shape
    return 2.0 * float(variance) * (components / rows) ** 0.5


def _largest_share(naive: torch.Tensor, corrected: torch.Tensor, floor: float) -> float:
    """By halving: the smallest eigenvalue is a concave function of the share, at its best for no correction."""

    def bears(share: float) -> bool:
        mixed = (1.0 - share) * naive + share * corrected
        return float(torch.linalg.eigvalsh(mixed)[0]) >= floor

    if bears(1.0):
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if bears(middle) else (low, middle)
    return low
