"""Where cells are after a word of operations: a batch of protocols run through one drift.

What F(perturbation, medium, time) does to a state is an integration; a protocol is a composition of them, and the
order matters (arXiv 2501.19178).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from pajamo.data.history import History, Segment, Word
from pajamo.errors import ModelError
from pajamo.mechanisms.flows.drift import Drift
from pajamo.mechanisms.flows.intervention import Intervention
from pajamo.mechanisms.flows.solving.field import BoundDrift
from pajamo.mechanisms.flows.solving.solve import Solver, solve
from pajamo.mechanisms.flows.trajectory_prefixes import Branch, Prefixes, Stretch, cut, stretches

Fitness = Callable[[torch.Tensor], torch.Tensor]
"""Net growth rate of cells in each state, per unit of time: (rows, components) to (rows,)."""


@dataclass(frozen=True, kw_only=True)
class Flow:
    """A drift, with what is needed to run operations through it.

    Attributes
    ----------
    drift: how fast a state changes.
    intervene: numbers of a batch of segments, as `Intervention.of` with its components and media filled in.
    rest: state in which nothing changes any more, from (drift, intervention, start), as the state of
        `rest.rest_point`; only segments that last until then (`REST`) need it.
    solver: how segments of stated duration are integrated.
    """

    drift: Drift
    intervene: Callable[[Sequence[Segment]], Intervention]
    rest: Callable[[Drift, Intervention, torch.Tensor], torch.Tensor] | None = None
    solver: Solver = field(default_factory=Solver)


def run_words(flow: Flow, start: torch.Tensor, words: Sequence[Word]) -> torch.Tensor:
    """State at the end of each word, shape (words, components).

    Prefixes that words share are computed once, and words that differ only in when they end are one integration:
    a time course costs as much as its last time.

    Parameters
    ----------
    start: shape (components,) where all cells began alike, or (words, components).

    Raises
    ------
    IntegrationError: a state diverges.
    ModelError: a segment lasts until rest and the flow has no way to find it.
    """
    return _walk(flow, flow.drift, start, words)


def run_selected(
    flow: Flow, start: torch.Tensor, words: Sequence[Word], fitness: Fitness
) -> tuple[torch.Tensor, torch.Tensor]:
    """State at the end of each word, and the logarithm of how much cells in it have multiplied.

    In vivo, cells are read out in proportion to w = exp(integral of fitness(x) over time): `selected_mean` weighs
    them by it. Segments without end count for nothing: all cells are taken to have multiplied alike before.

    Returns
    -------
    states of shape (words, components) and log w of shape (words,).
    """
    wide = torch.cat([start, torch.zeros_like(start[..., :1])], dim=-1)
    ends = _walk(flow, _Selected(flow.drift, fitness), wide, words)
    return ends[:, :-1], ends[:, -1]


def selected_mean(
    states: torch.Tensor, log_weights: torch.Tensor, shares: torch.Tensor | None = None
) -> torch.Tensor:
    """E_w[x] = E[w x] / E[w] over cells or branches, shape (components,).

    Parameters
    ----------
    states: shape (rows, components).
    log_weights: log w, shape (rows,).
    shares: of the cells before selection, shape (rows,); equal if not given.
    """
    logits = log_weights if shares is None else log_weights + shares.log()
    return torch.softmax(logits, dim=0) @ states


def run_histories(
    flow: Flow, start: torch.Tensor, histories: Sequence[History], fitness: Fitness | None = None
) -> torch.Tensor:
    """Mean state of the cells of each history, shape (histories, components).

    Where cells differ (incomplete editing, onset spread over time), branches are averaged by their shares, and by
    how much each has multiplied where a fitness is given.

    Parameters
    ----------
    start: shape (components,).
    """
    words = [word for history in histories for _, word in history.branches]
    shares = [[share for share, _ in history.branches] for history in histories]
    if fitness is None:
        states, logs = run_words(flow, start, words), start.new_zeros(len(words))
    else:
        states, logs = run_selected(flow, start, words, fitness)
    sizes = [len(branch) for branch in shares]
    means = [
        selected_mean(own, log, start.new_tensor(share))
        for own, log, share in zip(torch.split(states, sizes), torch.split(logs, sizes), shares, strict=True)
    ]
    return torch.stack(means)


def time_course(flow: Flow, start: torch.Tensor, word: Word, times: Sequence[float]) -> torch.Tensor:
    """States of one group of cells at several times of its history, shape (times, components).

    Times count as in `trajectory_prefixes.cut`: from the end of the last rest, or from the beginning.
    """
    return run_words(flow, start, [cut(word, time) for time in times])


class _Selected(torch.nn.Module):
    """A drift whose last component collects the fitness of the others."""

    def __init__(self, drift: Drift, fitness: Fitness) -> None:
        super().__init__()
        self.drift, self.fitness = drift, fitness

    def forward(self, state: torch.Tensor, intervention: Intervention) -> torch.Tensor:
        inner = state[:, :-1]
        return torch.cat([self.drift(inner, intervention), self.fitness(inner)[:, None]], dim=1)


def _walk(flow: Flow, drift: Drift, start: torch.Tensor, words: Sequence[Word]) -> torch.Tensor:
    alike = start.dim() == 1
    prefixes = Prefixes.of(words, [0] * len(words) if alike else range(len(words)))
    states = [start[None] if alike else start]
    for level in prefixes.levels:
        states.append(_advance(flow, drift, states[-1], level))
    offsets = [0]
    for level_states in states[:-1]:
        offsets.append(offsets[-1] + len(level_states))
    return torch.cat(states)[[offsets[depth] + position for depth, position in prefixes.ends]]


def _advance(flow: Flow, drift: Drift, before: torch.Tensor, level: Sequence[Branch]) -> torch.Tensor:
    """States at the end of each branch of a level, shape (branches, components)."""
    moving, resting = stretches(level)
    parts: list[torch.Tensor] = []
    order: list[int] = []
    if moving:
        parts.append(_integrated(flow, drift, before, moving))
        order.extend(position for stretch in moving for position in stretch.positions)
    if resting:
        parts.append(_rested(flow, before, [level[position] for position in resting]))
        order.extend(resting)
    return torch.cat(parts)[torch.tensor(order).argsort()]


def _integrated(flow: Flow, drift: Drift, before: torch.Tensor, moving: Sequence[Stretch]) -> torch.Tensor:
    start, intervention = _enter(flow, before, [stretch.first for stretch in moving])
    most = max(len(stretch.durations) for stretch in moving)
    padded = [
        [*stretch.durations, *[stretch.durations[-1]] * (most - len(stretch.durations))] for stretch in moving
    ]
    bound = BoundDrift.of(drift, intervention)
    times = start.new_tensor(padded).T
    solution = solve(bound.f, start, times, flow.solver, arguments=bound.arguments, jacobian=bound.jacobian)
    wanted = [(at, row) for row, stretch in enumerate(moving) for at in range(len(stretch.durations))]
    at, rows = torch.tensor(wanted).T
    return solution.states[at, rows]


def _rested(flow: Flow, before: torch.Tensor, resting: Sequence[Branch]) -> torch.Tensor:
    if flow.rest is None:
        raise ModelError(
            "a segment lasts until nothing changes any more, but no way to find the rest point was given",
            why="integrating for an endless time is no calculation",
            fix="state the duration in the protocol, or give the flow a solver of rest points",
        )
    start, intervention = _enter(flow, before, resting)
    components = intervention.factor.shape[1]
    rested = flow.rest(flow.drift, intervention, start[:, :components])
    return torch.cat([rested, start[:, components:]], dim=1)


def _enter(flow: Flow, before: torch.Tensor, branches: Sequence[Branch]) -> tuple[torch.Tensor, Intervention]:
    """States in which branches begin: clamped components jump to their level."""
    intervention = flow.intervene([branch.segment for branch in branches])
    start = before[[branch.parent for branch in branches]]
    components = intervention.factor.shape[1]
    return torch.cat([intervention.clamp(start[:, :components]), start[:, components:]], dim=1), intervention
