"""Sums of counts over cells: log ratios within batches, and what a mean of cells is not.

A log ratio of two pseudobulks of one batch is free of the batch's efficiency, up to one constant for all genes
(ln of the ratio of the molecules that either side holds altogether); across batches it is not. It has a normal
error from about ten expected molecules on either side; below, the negative binomial itself is used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pajamo.measurements.counts import log_prob
from pajamo.protocols.errors.counts import LEAST_COUNTS

Array = NDArray[np.float64]

GRID = np.linspace(-8.0, 8.0, 161)
"""Standard errors around each side's own log rate over which the exact likelihood is summed."""


@dataclass(frozen=True)
class Sums:
    """Molecules of one group of cells in one batch.

    Attributes
    ----------
    counts: summed over cells, shape (genes,).
    library: molecules of all genes, summed over cells.
    cells: number of cells.
    """

    counts: Array
    library: float
    cells: int


@dataclass(frozen=True)
class LogRatio:
    """Natural logarithm of the ratio of two shares, gene by gene.

    Attributes
    ----------
    value: bias taken off where the delta method holds, else the posterior mean; shape (genes,).
    variance: squared standard error.
    delta: where both sides hold ten molecules, so that the delta method was used.
    """

    value: Array
    variance: Array
    delta: NDArray[np.bool_]


def variance_and_bias(
    perturbed: Array, control: Array, dispersion: Array, n_perturbed: float, n_control: float
) -> tuple[Array, Array]:
    """Variance and bias of ln(mean of perturbed / mean of control) by the delta method.

    With v = (1/mu + phi)/n of either side: variance v_p + v_c, bias -v_p/2 + v_c/2. Holds where n mu is ten or more.

    Parameters
    ----------
    perturbed, control: mean molecules in a cell, shape (genes,).
    dispersion: phi, shape (genes,).
    n_perturbed, n_control: numbers of cells.
    """
    first = (1.0 / perturbed + dispersion) / n_perturbed
    second = (1.0 / control + dispersion) / n_control
    return first + second, 0.5 * (second - first)


def log_ratio(perturbed: Sums, control: Sums, dispersion: Array, prior_sd: float = 1.0) -> LogRatio:
    """ln of a perturbed group's share over the control's in the same batch, with its error, gene by gene.

    Where either side counts fewer than ten molecules, the posterior under the exact negative binomial of both sums
    and a normal prior is used: zeros then have an answer, near the prior's.

    Parameters
    ----------
    perturbed, control: sums within one batch.
    dispersion: of single cells, shape (genes,).
    prior_sd: prior width of a log ratio, used only below ten molecules.
    """
    delta = np.minimum(perturbed.counts, control.counts) >= LEAST_COUNTS
    safe = [np.maximum(side.counts, 0.5) for side in (perturbed, control)]
    means = safe[0] / perturbed.cells, safe[1] / control.cells
    variance, bias = variance_and_bias(*means, dispersion, perturbed.cells, control.cells)
    value = np.log(safe[0] / perturbed.library) - np.log(safe[1] / control.library) - bias
    rare = np.flatnonzero(~delta)
    value[rare], variance[rare] = _posterior(perturbed, control, dispersion, rare, prior_sd)
    return LogRatio(value, variance, delta)


def combine(ratios: list[LogRatio]) -> LogRatio:
    """Average of log ratios that were each taken within one batch, weighted by one over their variances."""
    weight = np.array([1.0 / ratio.variance for ratio in ratios])
    value = (weight * [ratio.value for ratio in ratios]).sum(axis=0) / weight.sum(axis=0)
    return LogRatio(value, 1.0 / weight.sum(axis=0), np.all([ratio.delta for ratio in ratios], axis=0))


def compositional_constant(perturbed: Array, control: Array, efficiency: Array) -> Array:
    """What a log ratio of shares is off by in every gene: ln of the control's caught molecules over the perturbed.

    Parameters
    ----------
    perturbed, control: molecules in a cell, shape (genes,).
    efficiency: of each batch and gene, shape (batches, genes).

    Returns
    -------
    ln(sum_h kappa_bh mu_ch / sum_h kappa_bh mu_ph), shape (batches,).
    """
    return np.asarray(np.log(efficiency @ control) - np.log(efficiency @ perturbed))


def jensen_gap(
    function: Callable[[torch.Tensor], torch.Tensor], mean: torch.Tensor, covariance: torch.Tensor
) -> torch.Tensor:
    """E f(X) - f(E X) to second order, half the trace of Hessian times covariance, shape (rows, outputs).

    What a drift, or any nonlinear law of a cell, misses when it is read at the mean of many cells. Give the
    covariance between cells of the state; noise of counting must have been taken off.

    Parameters
    ----------
    function: from (rows, components) to (rows, outputs), each row on its own; twice differentiable.
    mean: E X, shape (rows, components).
    covariance: Cov X, positive, shape (rows, components, components).
    """
    values, vectors = torch.linalg.eigh(covariance)
    axes = (vectors * values.clamp(min=0.0).sqrt().unsqueeze(-2)).mT
    curved = [_curvature(function, mean, axes[:, i]) for i in range(axes.shape[1])]
    return 0.5 * torch.stack(curved).sum(0)


def sampled_jensen_gap(
    function: Callable[[torch.Tensor], torch.Tensor], cells: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """E f(X) - f(E X) of the given cells, of any order, and the standard error of E f(X); shape (outputs,) each.

    Parameters
    ----------
    function: as in `jensen_gap`.
    cells: states of single cells, shape (cells, components).
    """
    each = function(cells)
    gap = each.mean(0) - function(cells.mean(0, keepdim=True))[0]
    return gap, each.std(0) / len(cells) ** 0.5


def _curvature(
    function: Callable[[torch.Tensor], torch.Tensor], point: torch.Tensor, along: torch.Tensor
) -> torch.Tensor:
    """Second derivative of each row's outputs in a direction, shape (rows, outputs)."""
    kept = torch.is_grad_enabled()
    with torch.enable_grad():
        step = torch.zeros_like(point[:, :1], requires_grad=True)
        values = function(point + step * along)
        twice = _slope(_slope(values, step), step)
    return twice if kept else twice.detach()


def _slope(values: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
    """d values / d step row by row, by reverse differentiation twice: linear in its weights, whose factor it is."""
    weights = torch.ones_like(values, requires_grad=True)
    # The term of zero keeps a constant function in the graph.
    pulled = torch.autograd.grad((weights * (values + 0.0 * step)).sum(), step, create_graph=True)[0]
    return torch.autograd.grad(pulled.sum(), weights, create_graph=True)[0]


def _posterior(
    perturbed: Sums, control: Sums, dispersion: Array, genes: NDArray[np.intp], prior_sd: float
) -> tuple[Array, Array]:
    """Mean and variance of the log ratio given both sums, the control's rate summed out (flat in its logarithm)."""
    means, variances = np.zeros(len(genes)), np.zeros(len(genes))
    for row, gene in enumerate(genes):
        (first, here), (second, there) = (_likelihood(s, gene, dispersion) for s in (perturbed, control))
        effect = first[:, None] - second
        weight = np.exp(here[:, None] + there - 0.5 * (effect / prior_sd) ** 2)
        weight /= weight.sum()
        means[row] = (weight * effect).sum()
        variances[row] = (weight * (effect - means[row]) ** 2).sum()
    return means, variances


def _likelihood(side: Sums, gene: np.intp, dispersion: Array) -> tuple[Array, Array]:
    """Log rates of one gene on one side, and the logarithm of their likelihood, at most 0.

    A sum of n cells alike is negative binomial with dispersion phi / n, exactly.
    """
    counted, phi = float(side.counts[gene]), float(dispersion[gene]) / side.cells
    rates = np.log((counted + 0.5) / side.library) + GRID * np.sqrt(1.0 / (counted + 0.5) + phi)
    mean = torch.as_tensor(side.library * np.exp(rates), dtype=torch.float64)
    likelihood: Array = log_prob(mean.new_tensor(counted), mean, mean.new_tensor(phi)).numpy()
    return rates, likelihood - likelihood.max()
