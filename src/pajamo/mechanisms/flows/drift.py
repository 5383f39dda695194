"""How fast a state changes: production under an intervention, minus decay."""

from __future__ import annotations

from typing import Protocol

import torch

from pajamo.mechanisms.flows.intervention import Intervention
from pajamo.mechanisms.flows.jacobian import LowRankJacobian


class Drift(Protocol):
    """dx/dt = f(x; perturbation, medium). Rows of `state` and of the intervention belong together."""

    def __call__(self, state: torch.Tensor, intervention: Intervention) -> torch.Tensor:
        """Change per unit of time, shape (rows, components)."""
        ...


class Production(Protocol):
    """What is made per unit of time, before any intervention."""

    def __call__(self, state: torch.Tensor, medium: torch.Tensor) -> torch.Tensor:
        """Production, shape (rows, components), from the state and the position of the medium, shape (rows,)."""
        ...


class ProductionDecay(torch.nn.Module):
    """dx/dt = factor * production(x; medium) + shift - decay * x; clamped components do not move.

    Parameters
    ----------
    production: module from (state, medium) to production, shape (rows, components), not negative.
    decay: rate of loss of each component, per unit of time, positive; shape (components,).
    """

    def __init__(self, production: torch.nn.Module, decay: torch.Tensor) -> None:
        super().__init__()
        self.production = production
        self.log_decay = torch.nn.Parameter(decay.log())

    @property
    def decay(self) -> torch.Tensor:
        """Rate of loss of each component, per unit of time."""
        return self.log_decay.exp()

    def forward(self, state: torch.Tensor, intervention: Intervention) -> torch.Tensor:
        """Change per unit of time, shape (rows, components)."""
        state = intervention.clamp(state)
        made = intervention.factor * self.production(state, intervention.medium) + intervention.shift
        return torch.where(intervention.held, torch.zeros_like(state), made - self.decay * state)

    def low_rank_jacobian(self, state: torch.Tensor, intervention: Intervention) -> LowRankJacobian | None:
        """Jacobian at the state where production is a `LowRankProduction`, or None.

        d(dx_i/dt)/dx_j = factor_i slope_i (writes reads')_ij - decay_i [i = j]; zero for rows and columns of
        clamped components, which neither move nor are read.
        """
        if not isinstance(self.production, LowRankProduction):
            return None
        free = ~intervention.held
        slope = self.production.slope(intervention.clamp(state), intervention.medium)
        return LowRankJacobian(
            diagonal=-self.decay * free,
            scale=intervention.factor * slope * free,
            free=free,
            writes=self.production.writes,
            reads=self.production.reads,
        )


class LowRankProduction(torch.nn.Module):
    """softplus(bias + medium + (x V) U'): every regulator acts through a few programmes.

    Parameters
    ----------
    components: number of components of the state.
    rank: number of programmes; as many as components means a full network.
    media: number of media, each with a bias of its own.
    """

    def __init__(self, components: int, rank: int, media: int = 1) -> None:
        super().__init__()
        self.reads = torch.nn.Parameter(torch.zeros(components, rank, dtype=torch.float64))
        self.writes = torch.nn.Parameter(torch.zeros(components, rank, dtype=torch.float64))
        self.bias = torch.nn.Parameter(torch.zeros(media, components, dtype=torch.float64))

    def input(self, state: torch.Tensor, medium: torch.Tensor) -> torch.Tensor:
        """What the softplus is taken of, shape (rows, components)."""
        return self.bias[medium] + (state @ self.reads) @ self.writes.T

    def forward(self, state: torch.Tensor, medium: torch.Tensor) -> torch.Tensor:
        """Production, shape (rows, components)."""
        return torch.nn.functional.softplus(self.input(state, medium))

    def slope(self, state: torch.Tensor, medium: torch.Tensor) -> torch.Tensor:
        """Derivative of the softplus at the state, shape (rows, components).

        The Jacobian of production is diag(slope) writes reads'.
        """
        return torch.sigmoid(self.input(state, medium))
