"""First-order stationarity: at rest nothing changes on average, E f(X) = 0, without the bias of measurement noise.

A residual at a noisy profile is too large even for the true drift: E |f(x + e)|^2 = |f(x)|^2 + trace(J S J') to
second order, S the covariance of e. Minimising it shrinks J (errors in variables), and more data do not help. Two
cures: the product of residuals at two disjoint halves of the cells, or subtracting the trace.

Every loss here is a mean over rows of the mean squared residual of the components that say something, in squared
units of the state: residuals are divided by decay, because the equation reads level = production / decay. The
equation of a component is left out where a hard edit (knockout, clamp) has replaced it. All of them are zero for a
drift that is zero everywhere: they belong beside a term that pulls the drift to the data.
"""

from __future__ import annotations

import torch

from pajamo.mechanisms.flows.drift import Drift
from pajamo.mechanisms.flows.intervention import Intervention
from pajamo.mechanisms.flows.jacobian import derivative_along
from pajamo.mechanisms.flows.stationarity.estimators import Estimator, squared_mean


def kept_components(intervention: Intervention) -> torch.Tensor:
    """False where a hard edit has replaced a component's own equation, shape (rows, components)."""
    return ~(intervention.held | (intervention.factor == 0.0))


def scaled_residual(drift: Drift, state: torch.Tensor, intervention: Intervention) -> torch.Tensor:
    """Drift by decay where it is kept, else zero, in the unit of the state, shape (rows, components).

    Parameters
    ----------
    drift: with `decay`, per unit of time, shape (components,); one without is taken to have unit decay.
    state: shape (rows, components).
    """
    return _scaled(drift, drift(state, intervention), intervention)


def naive(
    drift: Drift, mean: torch.Tensor, intervention: Intervention, *, weight: torch.Tensor | None = None
) -> torch.Tensor:
    """Mean squared residual at mean profiles; biased by their noise. A scalar.

    Parameters
    ----------
    mean: of the cells of each row, shape (rows, components).
    weight: of each row, shape (rows,); equal if None.
    """
    return _averaged(scaled_residual(drift, mean, intervention).square(), intervention, weight)


def split_half(
    drift: Drift,
    halves: tuple[torch.Tensor, torch.Tensor],
    intervention: Intervention,
    *,
    share: float = 1.0,
    weight: torch.Tensor | None = None,
) -> torch.Tensor:
    """Product of the residuals at two disjoint halves of the cells, f(x1) . f(x2). A scalar; it may be negative.

    Unbiased for |E f(x + e)|^2, hence for |f(x)|^2 of a linear drift, without knowing the noise.

    Parameters
    ----------
    halves: means of two disjoint halves of the cells of each row, each of shape (rows, components).
    share: below 1, the rest is the naive loss at the mean of both halves. With few rows the product alone has no
        minimum; `pajamo.mechanisms.flows.stationarity.guard.split_half_share` finds the largest share that does.
    weight: of each row, shape (rows,).
    """
    first, second = (scaled_residual(drift, half, intervention) for half in halves)
    product = _averaged(first * second, intervention, weight)
    if share == 1.0:
        return product
    middle = naive(drift, (halves[0] + halves[1]) / 2, intervention, weight=weight)
    return share * product + (1.0 - share) * middle


def covariance_corrected(
    drift: Drift,
    mean: torch.Tensor,
    noise: torch.Tensor,
    intervention: Intervention,
    *,
    share: float = 1.0,
    probes: int | None = None,
    generator: torch.Generator | None = None,
    weight: torch.Tensor | None = None,
) -> torch.Tensor:
    """Naive loss minus trace(J S J'), S = noise noise' the covariance of each mean. A scalar; it may be negative.

    Parameters
    ----------
    mean: of the cells of each row, shape (rows, components).
    noise: factor of S, shape (rows, components, factors): centred cells by sqrt(n (n - 1)) (`cell_factor`), or a
        diagonal matrix of standard errors.
    share: of the correction that is made. With few rows the whole one leaves no minimum;
        `pajamo.mechanisms.flows.stationarity.guard.covariance_share` finds the largest share that does.
    probes: random signs over the factors that estimate the trace without bias (Hutchinson 1990, Commun. Stat.
        Simul. 19:433); None takes every factor, exactly.
    generator: of the random signs.
    weight: of each row, shape (rows,).
    """
    directions = noise if probes is None else _probed(noise, probes, generator)
    squares = _along_all(drift, mean, directions, intervention).square().sum(1)
    trace = _averaged(squares if probes is None else squares / probes, intervention, weight)
    return naive(drift, mean, intervention, weight=weight) - share * trace


def of_cells(
    drift: Drift, cells: torch.Tensor, intervention: Intervention, *, estimator: Estimator = "U"
) -> torch.Tensor:
    """|E f(X)|^2 from single cells, so without the Jensen gap of a pseudobulk. A scalar.

    Noise of the measurement of each cell is not averaged out inside f: for a nonlinear drift give cells that are
    denoised, or a latent state.

    Parameters
    ----------
    cells: of one perturbation, shape (cells, components).
    intervention: of one row.
    estimator: "V" (squared mean, biased upwards by variance / cells), "U" (pairs of different cells, unbiased),
        "linear" (disjoint pairs: unbiased, noisier).
    """
    repeated = intervention[torch.zeros(len(cells), dtype=torch.long, device=cells.device)]
    residual = scaled_residual(drift, cells, repeated)
    count = kept_components(intervention).sum().clamp(min=1)
    return squared_mean(residual, estimator) / count


def cell_factor(cells: torch.Tensor) -> torch.Tensor:
    """Factor of the covariance of the mean of one row's cells, shape (components, cells).

    Parameters
    ----------
    cells: at least two, shape (cells, components).
    """
    count = len(cells)
    return (cells - cells.mean(0)).T / (count * (count - 1)) ** 0.5


def _scaled(drift: Drift, change: torch.Tensor, intervention: Intervention) -> torch.Tensor:
    decay = getattr(drift, "decay", None)
    in_units = change if decay is None else change / decay
    return torch.where(kept_components(intervention), in_units, torch.zeros_like(in_units))


def _averaged(values: torch.Tensor, intervention: Intervention, weight: torch.Tensor | None) -> torch.Tensor:
    count = kept_components(intervention).sum(-1).clamp(min=1)
    by_row = values.sum(-1) / count
    return by_row.mean() if weight is None else (weight * by_row).sum() / weight.sum()


def _probed(noise: torch.Tensor, probes: int, generator: torch.Generator | None) -> torch.Tensor:
    shape = (noise.shape[0], noise.shape[-1], probes)
    signs = torch.randint(0, 2, shape, generator=generator, device=noise.device).to(noise.dtype)
    return noise @ (2.0 * signs - 1.0)


def _along_all(
    drift: Drift, mean: torch.Tensor, directions: torch.Tensor, intervention: Intervention
) -> torch.Tensor:
    """Residuals' derivatives in every direction, shape (rows, directions, components)."""
    rows, components, number = directions.shape
    each = torch.arange(rows, device=mean.device).repeat_interleave(number)
    along = directions.mT.reshape(-1, components)
    repeated = intervention[each]
    moved = derivative_along(drift, mean[each], along, repeated)
    return _scaled(drift, moved, repeated).reshape(rows, number, components)
