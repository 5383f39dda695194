"""Small flows that fit on paper, for the tests of trajectories."""

from __future__ import annotations

from functools import partial

import torch

from pajamo.data.history import Edit, Segment, Word
from pajamo.mechanisms.flows.drift import LowRankProduction, ProductionDecay
from pajamo.mechanisms.flows.intervention import Intervention
from pajamo.mechanisms.flows.solving.solve import Solver
from pajamo.mechanisms.flows.trajectory import Flow

FINE = Solver(rtol=1e-9, atol=1e-11)
KNOCKOUT = Edit("x")
BOOST = Edit("y", "shift", 0.5)


def segment(*edits, medium="", time=1.0):
    return Segment(frozenset(edits), medium, time)


def word(*segments):
    return Word(tuple(segments))


class Repression(torch.nn.Module):
    """Two genes that repress each other: strength / (1 + other^3), another strength in each medium."""

    def __init__(self) -> None:
        super().__init__()
        self.strength = torch.nn.Parameter(torch.tensor([[4.0, 4.0], [4.0, 6.0]], dtype=torch.float64))

    def forward(self, state, medium):
        return self.strength[medium] / (1.0 + state.flip(-1) ** 3)


def toggle(solver=FINE, rest=None):
    """Attractors in the first medium near (4, 0.06) and (0.06, 4)."""
    drift = ProductionDecay(Repression(), torch.ones(2, dtype=torch.float64))
    intervene = partial(Intervention.of, components={"x": 0, "y": 1}, media={"": 0, "differentiating": 1})
    return Flow(drift=drift, intervene=intervene, solver=solver, rest=rest)


def low_rank(components=6, rank=2, solver=FINE, seed=0):
    """A random production of low rank with decays between 0.5 and 1.5."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    production = LowRankProduction(components, rank)
    with torch.no_grad():
        production.reads.copy_(draw(components, rank))
        production.writes.copy_(0.7 * draw(components, rank))
        production.bias.copy_(draw(1, components))
    decay = 0.5 + torch.rand(components, generator=generator, dtype=torch.float64)
    names = {name: at for at, name in enumerate("xyzuvwrstq"[:components])}
    intervene = partial(Intervention.of, components=names, media={"": 0})
    return Flow(drift=ProductionDecay(production, decay), intervene=intervene, solver=solver)


def linear(rate, solver=FINE):
    """dx/dt = rate x + shift of the edits, for closed forms."""

    def drift(state, intervention):
        return state @ rate.T + intervention.shift

    intervene = partial(Intervention.of, components={"x": 0, "y": 1}, media={"": 0})
    return Flow(drift=drift, intervene=intervene, solver=solver)
