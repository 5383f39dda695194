"""What must vanish at a rest point, and how it changes with the state."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pajamo.mechanisms.flows.drift import Drift
from pajamo.mechanisms.flows.intervention import Intervention
from pajamo.mechanisms.flows.jacobian import Jacobian, jacobian_of


@dataclass(frozen=True)
class RestProblem:
    """dx/dt = 0 for components that move, and level - x = 0 for those that are clamped.

    The second part replaces the empty equation of a clamped component, whose drift is zero everywhere.
    """

    drift: Drift
    intervention: Intervention

    def __getitem__(self, rows: torch.Tensor) -> RestProblem:
        return RestProblem(self.drift, self.intervention[rows])

    def residual(self, state: torch.Tensor) -> torch.Tensor:
        """What must vanish, per unit of time, shape (rows, components)."""
        change = self.drift(state, self.intervention)
        return torch.where(self.intervention.held, self.intervention.level - state, change)

    def jacobian(self, state: torch.Tensor) -> Jacobian:
        """d residual / d state."""
        clamped = self.intervention.held.to(state.dtype)
        return jacobian_of(self.drift, state, self.intervention).minus(clamped)


def magnitude(state: torch.Tensor) -> torch.Tensor:
    """How large each component counts as, in the unit of the state: itself, or what is usual in its row.

    Shape (rows, components).
    """
    usual = state.square().mean(-1, keepdim=True).sqrt()
    return state.abs() + usual + torch.finfo(state.dtype).tiny


def largest(change: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Largest change of any component relative to its magnitude, shape (rows,); infinite where not finite."""
    found = (change.abs() / scale).amax(-1)
    return torch.where(found.isfinite(), found, torch.full_like(found, torch.inf))
