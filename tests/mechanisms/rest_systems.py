"""Small systems whose rest points are known, for the tests of flows."""

from __future__ import annotations

import math

import torch

from pajamo.mechanisms.flows.drift import LowRankProduction, ProductionDecay
from pajamo.mechanisms.flows.intervention import Intervention


def unperturbed(rows: int, components: int) -> Intervention:
    """Nothing edited."""
    zeros = torch.zeros(rows, components, dtype=torch.float64)
    return Intervention(
        zeros + 1.0, zeros, zeros.bool(), zeros, torch.zeros(rows, dtype=torch.long), zeros[:, :0]
    )


def some_edits(rows: int, components: int, seed: int = 0) -> Intervention:
    """A knockout, an activation, a shift and a clamp, and after them random mixtures."""
    draw = torch.Generator().manual_seed(seed)
    factor = torch.rand(rows, components, generator=draw, dtype=torch.float64) + 0.5
    shift = 0.3 * torch.randn(rows, components, generator=draw, dtype=torch.float64)
    held = torch.rand(rows, components, generator=draw, dtype=torch.float64) < 0.2
    factor[0, 0] = 0.0
    level = torch.where(held, 0.7, 0.0).double()
    return Intervention(factor, shift, held, level, torch.zeros(rows, dtype=torch.long), factor[:, :0])


def network(components: int, rank: int, *, gain: float = 0.8, seed: int = 0) -> ProductionDecay:
    """A random network with one rest point."""
    draw = torch.Generator().manual_seed(seed)
    production = LowRankProduction(components, rank)
    with torch.no_grad():
        production.reads.copy_(torch.randn(components, rank, generator=draw) / math.sqrt(components))
        production.writes.copy_(gain * torch.randn(components, rank, generator=draw) / math.sqrt(rank))
        production.bias.copy_(torch.randn(1, components, generator=draw))
    return ProductionDecay(production, 0.5 + torch.rand(components, generator=draw, dtype=torch.float64))


class Toggle(torch.nn.Module):
    """Two genes that repress each other, strength / (1 + x^4): two attractors and a saddle for strength 2.

    With decay 1 and equal strengths the saddle is where x = strength / (1 + x^4).
    """

    def __init__(self, strength: float = 2.0) -> None:
        super().__init__()
        self.strength = torch.nn.Parameter(torch.tensor([strength, strength], dtype=torch.float64))

    def forward(self, state: torch.Tensor, medium: torch.Tensor) -> torch.Tensor:
        return self.strength / (1.0 + state.flip(-1) ** 4)


def toggle(strength: float = 2.0) -> ProductionDecay:
    """The toggle switch with unit decay."""
    return ProductionDecay(Toggle(strength), torch.ones(2, dtype=torch.float64))


def long_run(drift, intervention: Intervention, start: torch.Tensor, step: float, steps: int) -> torch.Tensor:
    """Classical fourth-order Runge-Kutta with equal steps: slow, plain, differentiable."""
    state = intervention.clamp(start)
    for _ in range(steps):
        a = drift(state, intervention)
        b = drift(state + step / 2 * a, intervention)
        c = drift(state + step / 2 * b, intervention)
        d = drift(state + step * c, intervention)
        state = state + step / 6 * (a + 2 * b + 2 * c + d)
    return state
