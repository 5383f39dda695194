"""Second-order stationarity: the covariance of cells at rest does not change either, J S + S J' + D = 0.

Residuals are divided by the sum of the two components' decay, so that they are covariances, in squared units of the
state; rows and columns of components whose equation a hard edit has replaced are left out.
"""

from __future__ import annotations

import torch

from pajamo.mechanisms.flows.drift import Drift
from pajamo.mechanisms.flows.intervention import Intervention
from pajamo.mechanisms.flows.jacobian import jacobian_of
from pajamo.mechanisms.flows.stationarity.estimators import Estimator, squared_mean
from pajamo.mechanisms.flows.stationarity.losses import kept_components
from pajamo.mechanisms.flows.stochastic.linear_noise import GaussianLaw


def covariance_residual(
    drift: Drift,
    law: GaussianLaw,
    diffusion: torch.Tensor,
    intervention: Intervention,
    *,
    noise: torch.Tensor | None = None,
) -> torch.Tensor:
    """J S + S J' + D in units of a covariance, shape (rows, components, components).

    Parameters
    ----------
    law: mean, shape (rows, components), and covariance of the cells, shape (rows, components, components).
    diffusion: D, level squared per unit of time, shape (components, components) or one a row.
    noise: covariance of the measurement of a cell, subtracted from that of the cells; None if they hold none.
    """
    jacobian = jacobian_of(drift, law.mean, intervention).dense()
    covariance = law.covariance if noise is None else law.covariance - noise
    carried = jacobian @ covariance
    return _scaled(drift, carried + carried.mT + diffusion, intervention)


def naive_second(
    drift: Drift, law: GaussianLaw, diffusion: torch.Tensor, intervention: Intervention
) -> torch.Tensor:
    """Mean squared residual; biased by the sampling error of the covariances. A scalar."""
    return _averaged(covariance_residual(drift, law, diffusion, intervention).square(), intervention)


def split_half_second(
    drift: Drift, halves: tuple[GaussianLaw, GaussianLaw], diffusion: torch.Tensor, intervention: Intervention
) -> torch.Tensor:
    """Product of the residuals at two disjoint halves of the cells. A scalar; it may be negative.

    Unbiased for a linear drift: the sampling errors of the two covariances are independent.
    """
    first, second = (covariance_residual(drift, half, diffusion, intervention) for half in halves)
    return _averaged(first * second, intervention)


def second_of_cells(
    drift: Drift,
    cells: torch.Tensor,
    diffusion: torch.Tensor,
    intervention: Intervention,
    *,
    estimator: Estimator = "U",
) -> torch.Tensor:
    """|E[f(X) Y' + Y f(X)'] + D|^2 with Y = X - reference, from single cells, not linearised. A scalar.

    The generator of the squares: zero at rest whatever the shape of f or of the distribution. The reference is the
    mean of the cells without gradient; at first-order stationarity it does not matter.

    Parameters
    ----------
    cells: of one perturbation, shape (cells, components).
    intervention: of one row.
    estimator: as `pajamo.mechanisms.flows.stationarity.losses.of_cells`.
    """
    repeated = intervention[torch.zeros(len(cells), dtype=torch.long, device=cells.device)]
    change = drift(cells, repeated)
    carried = change.unsqueeze(-1) * (cells - cells.mean(0).detach()).unsqueeze(-2)
    residual = _scaled(drift, carried + carried.mT + diffusion, repeated)
    return squared_mean(residual.flatten(1), estimator) / _pairs(intervention).sum().clamp(min=1)


def _scaled(drift: Drift, residual: torch.Tensor, intervention: Intervention) -> torch.Tensor:
    decay = getattr(drift, "decay", None)
    rates = 2.0 if decay is None else decay.unsqueeze(-1) + decay.unsqueeze(-2)
    return torch.where(_pairs(intervention), residual / rates, torch.zeros_like(residual))


def _pairs(intervention: Intervention) -> torch.Tensor:
    kept = kept_components(intervention)
    return kept.unsqueeze(-1) & kept.unsqueeze(-2)


def _averaged(values: torch.Tensor, intervention: Intervention) -> torch.Tensor:
    count = _pairs(intervention).sum((-2, -1)).clamp(min=1)
    return (values.sum((-2, -1)) / count).mean()
