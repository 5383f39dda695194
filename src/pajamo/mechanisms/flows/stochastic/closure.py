"""Means of noisy cells are not noise-free cells: moment closure for dX = f(X) dt + D^(1/2) dW."""

from __future__ import annotations

import torch

from pajamo.mechanisms.flows.drift import Drift
from pajamo.mechanisms.flows.intervention import Intervention
from pajamo.mechanisms.flows.jacobian import directional, jacobian_of
from pajamo.mechanisms.flows.stochastic.linear_noise import GaussianLaw


def jensen_gap(
    drift: Drift, mean: torch.Tensor, covariance: torch.Tensor, intervention: Intervention
) -> torch.Tensor:
    """E f(X) - f(E X) to second order, half the trace of Hessian times covariance, shape (rows, components).

    What a residual at a pseudobulk misses: the mean of a population at rest is no rest point of a nonlinear drift.

    Parameters
    ----------
    mean: E X, shape (rows, components).
    covariance: Cov X, symmetric and positive, shape (rows, components, components).
    """
    values, vectors = torch.linalg.eigh(covariance)
    factor = vectors * values.clamp(min=0.0).sqrt().unsqueeze(-2)
    rows, components = mean.shape
    each = torch.arange(rows, device=mean.device).repeat_interleave(components)
    along = factor.mT.reshape(-1, components)
    curved = _second_derivative(drift, mean[each], along, intervention[each])
    return 0.5 * curved.reshape(rows, components, components).sum(1)


def expected_drift(
    drift: Drift, mean: torch.Tensor, covariance: torch.Tensor, intervention: Intervention
) -> torch.Tensor:
    """E f(X) to second order, f(m) + half the trace of Hessian times covariance, shape (rows, components)."""
    return drift(mean, intervention) + jensen_gap(drift, mean, covariance, intervention)


def moment_rates(
    drift: Drift, law: GaussianLaw, diffusion: torch.Tensor, intervention: Intervention
) -> GaussianLaw:
    """How fast mean and covariance change, closed at second order (central moments above two are neglected).

    dm/dt = f(m) + half the trace of Hessian times S, dS/dt = J S + S J' + D; exact for a linear drift
    (van Kampen, Stochastic Processes in Physics and Chemistry, 2007, chapter X).

    Parameters
    ----------
    law: of the cells now, shapes (rows, components) and (rows, components, components).
    diffusion: D, level squared per unit of time, shape (rows, components, components).
    """
    jacobian = jacobian_of(drift, law.mean, intervention).dense()
    carried = jacobian @ law.covariance
    moving = expected_drift(drift, law.mean, law.covariance, intervention)
    free = (~intervention.held).to(law.mean.dtype)
    noise = diffusion * free.unsqueeze(-1) * free.unsqueeze(-2)
    return GaussianLaw(moving, carried + carried.mT + noise)


def moments_after(
    drift: Drift,
    law: GaussianLaw,
    diffusion: torch.Tensor,
    intervention: Intervention,
    time: float,
    *,
    steps: int,
) -> GaussianLaw:
    """Mean and covariance after `time`, by `steps` equal steps of the classical Runge-Kutta method.

    A long time gives the stationary moments. Arguments as `moment_rates`.
    """
    step = time / steps
    for _ in range(steps):
        first = moment_rates(drift, law, diffusion, intervention)
        second = moment_rates(drift, _moved(law, first, step / 2), diffusion, intervention)
        third = moment_rates(drift, _moved(law, second, step / 2), diffusion, intervention)
        fourth = moment_rates(drift, _moved(law, third, step), diffusion, intervention)
        for rate, weight in ((first, 1), (second, 2), (third, 2), (fourth, 1)):
            law = _moved(law, rate, weight * step / 6)
    return law


def _moved(law: GaussianLaw, rate: GaussianLaw, step: float) -> GaussianLaw:
    return GaussianLaw(law.mean + step * rate.mean, law.covariance + step * rate.covariance)


def _second_derivative(
    drift: Drift, point: torch.Tensor, along: torch.Tensor, intervention: Intervention
) -> torch.Tensor:
    """Second derivative of the drift in a direction, shape (rows, components).

    Only reverse differentiation is used, so that custom gradients take part.
    """
    kept = torch.is_grad_enabled()
    with torch.enable_grad():
        at = point if kept and point.requires_grad else point.detach().requires_grad_()
        once = directional(drift(at, intervention) + 0.0 * at, at, along)
        twice = directional(once + 0.0 * at, at, along)
    return twice if kept else twice.detach()
