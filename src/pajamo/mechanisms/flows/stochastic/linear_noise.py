"""Linear stochastic systems: dX = (A X + b) dt + D^(1/2) dW, their stationary law and their covariance in time."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pajamo.mechanisms.flows.linear import steady_state
from pajamo.mechanisms.flows.stochastic.lyapunov import lyapunov


@dataclass(frozen=True)
class GaussianLaw:
    """A normal distribution over states.

    Attributes
    ----------
    mean: shape (..., components).
    covariance: shape (..., components, components).
    """

    mean: torch.Tensor
    covariance: torch.Tensor


def stationary_law(matrix: torch.Tensor, offset: torch.Tensor, diffusion: torch.Tensor) -> GaussianLaw:
    """What cells look like once their distribution no longer changes.

    The mean solves A m + b = 0, the covariance A S + S A' + D = 0 (Gardiner, Stochastic Methods, 2009, section 4.5).

    Parameters
    ----------
    matrix: A, every eigenvalue with negative real part, per unit of time, shape (..., components, components).
    offset: b, level per unit of time, shape (..., components).
    diffusion: D, symmetric, level squared per unit of time, shape (..., components, components).

    Raises
    ------
    ModelError: A is singular or not stable, so that there is no stationary law.
    """
    return GaussianLaw(steady_state(matrix, offset), lyapunov(matrix, diffusion))


def transient_covariance(
    matrix: torch.Tensor, diffusion: torch.Tensor, start: torch.Tensor, time: float
) -> torch.Tensor:
    """Covariance after `time`: exp(A t) S0 exp(A' t) + integral of exp(A s) D exp(A' s); A may be unstable.

    The integral over a short step comes from one matrix exponential (Van Loan 1978, IEEE Trans. Autom. Control
    23:395), longer times from doubling, Q(2 t) = E(t) Q(t) E(t)' + Q(t), which a stiff A does not disturb.

    Parameters
    ----------
    matrix, diffusion: as `stationary_law`.
    start: covariance at time 0, shape (..., components, components).
    time: in the unit of the rates, not negative.
    """
    doublings = _doublings(matrix, time)
    carried, gained = _short(matrix, diffusion, time / 2**doublings)
    for _ in range(doublings):
        gained = carried @ gained @ carried.mT + gained
        carried = carried @ carried
    return carried @ start @ carried.mT + gained


def _doublings(matrix: torch.Tensor, time: float) -> int:
    reach = float(torch.linalg.matrix_norm(matrix.detach(), ord=1).amax()) * time
    return max(0, int(torch.tensor(max(reach, 1.0)).log2().ceil()))


def _short(matrix: torch.Tensor, diffusion: torch.Tensor, step: float) -> tuple[torch.Tensor, torch.Tensor]:
    """exp(A h) and the integral of exp(A s) D exp(A' s) over a step h, from exp([[-A, D], [0, A']] h)."""
    lead = torch.broadcast_shapes(matrix.shape, diffusion.shape)
    components = lead[-1]
    rates, noise = matrix.expand(lead), diffusion.expand(lead)
    upper = torch.cat([-rates, noise], dim=-1)
    lower = torch.cat([torch.zeros_like(rates), rates.mT], dim=-1)
    both = torch.linalg.matrix_exp(torch.cat([upper, lower], dim=-2) * step)
    carried = both[..., components:, components:].mT
    return carried, carried @ both[..., :components, components:]
