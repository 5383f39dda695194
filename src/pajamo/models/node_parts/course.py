"""Training protocols laid out for a fixed number of Runge-Kutta steps: the same work at each step of training."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from pajamo.data.history import REST, History, Segment, Word
from pajamo.mechanisms.flows.intervention import Intervention
from pajamo.mechanisms.flows.trajectory_prefixes import Branch, Prefixes, stretches
from pajamo.models.node_parts.drifts import Field, field_of

UNITS = 4.0
"""Internal units of time until the last measurement: a rate of one means four time constants."""
HORIZON = 6.0
"""Internal units of time after which cells count as at rest."""
LONGEST_STEP = 0.75
"""Internal units of time that a Runge-Kutta step of training may cover."""


def unit_rate(histories: Sequence[History]) -> float:
    """Internal units of time per unit of the protocol, 1 where no duration is stated."""
    stated = [
        sum(s.duration for s in word if s.duration != REST) for h in histories for _, word in h.branches
    ]
    longest = max(stated, default=0.0)
    return UNITS / longest if longest else 1.0


def in_units(history: History, rate: float) -> History:
    """The same operations with durations in internal units; rest takes `HORIZON` of them."""

    def scaled(word: Word) -> Word:
        lasting = [HORIZON if s.duration == REST else s.duration * rate for s in word]
        return Word(tuple(replace(s, duration=d) for s, d in zip(word, lasting, strict=True))).normal()

    return History(tuple((share, scaled(word)) for share, word in history.branches))


@dataclass(frozen=True)
class Leg:
    """One level of the tree of protocols.

    Attributes
    ----------
    parent: state that each row sets out from.
    intervention: of each row.
    gaps: time between successive ends of each row, shape (ends, rows); `steps` Runge-Kutta steps in each.
    at, row: where the state at the end of each branch is found.
    """

    parent: torch.Tensor
    intervention: Intervention
    gaps: torch.Tensor
    steps: tuple[int, ...]
    at: torch.Tensor
    row: torch.Tensor

    @classmethod
    def of(cls, level: Sequence[Branch], intervene: Callable[[Sequence[Segment]], Intervention]) -> Leg:
        """Branches that differ in duration only share a row."""
        moving, _ = stretches(level)
        most = max(len(stretch.durations) for stretch in moving)
        ends = torch.tensor([[*s.durations, *[s.durations[-1]] * (most - len(s.durations))] for s in moving])
        gaps = torch.diff(ends.T, dim=0, prepend=torch.zeros(1, len(moving)))
        found = {p: (k, row) for row, s in enumerate(moving) for k, p in enumerate(s.positions)}
        at, row = torch.tensor([found[position] for position in range(len(level))]).T
        return cls(
            torch.tensor([stretch.first.parent for stretch in moving]),
            intervene([stretch.first.segment for stretch in moving]),
            gaps[..., None],
            tuple(max(math.ceil(float(gap.max()) / LONGEST_STEP), 1) for gap in gaps),
            at,
            row,
        )

    def run(self, drift: torch.nn.Module, before: torch.Tensor) -> torch.Tensor:
        """States at the end of each branch, shape (members, branches, components)."""
        state, field = before[:, self.parent], field_of(drift, self.intervention)
        if self.intervention.held.any():
            state = self.intervention.clamp(state)
        reached = []
        for gap, steps in zip(self.gaps, self.steps, strict=True):
            for _ in range(steps):
                state = _step(field, state, gap / steps)
            reached.append(state)
        return torch.stack(reached)[self.at, :, self.row].transpose(0, 1)


@dataclass(frozen=True)
class Course:
    """Histories of a training set.

    Attributes
    ----------
    legs: level by level.
    ends: position of each word's end among the states of all levels.
    shares: of each word in each history, shape (histories, words).
    """

    legs: tuple[Leg, ...]
    ends: torch.Tensor
    shares: torch.Tensor

    @classmethod
    def of(
        cls,
        histories: Sequence[History],
        begins: Sequence[int],
        n_begins: int,
        intervene: Callable[[Sequence[Segment]], Intervention],
    ) -> Course:
        """Lay out histories whose durations are in internal units; `begins` says in which state each begins."""
        words = [word for history in histories for _, word in history.branches]
        starts = [begin for begin, h in zip(begins, histories, strict=True) for _ in h.branches]
        prefixes = Prefixes.of(words, starts)
        offsets = [0, n_begins]
        for level in prefixes.levels:
            offsets.append(offsets[-1] + len(level))
        shares = torch.block_diag(*[torch.tensor([[s for s, _ in h.branches]]) for h in histories])
        ends = torch.tensor([offsets[depth] + position for depth, position in prefixes.ends])
        return cls(tuple(Leg.of(level, intervene) for level in prefixes.levels), ends, shares)

    def run(self, drift: torch.nn.Module, start: torch.Tensor) -> torch.Tensor:
        """Mean state at the end of each history, shape (members, histories, components).

        Parameters
        ----------
        start: states in which histories begin, shape (members, begins, components).
        """
        states = [start]
        for leg in self.legs:
            states.append(leg.run(drift, states[-1]))
        return self.shares.to(start) @ torch.cat(states, dim=1)[:, self.ends]


def _step(field: Field, state: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
    """One classical Runge-Kutta step (Kutta 1901)."""
    first = field(state)
    second = field(state + 0.5 * step * first)
    third = field(state + 0.5 * step * second)
    fourth = field(state + step * third)
    return state + step / 6.0 * (first + 2.0 * second + 2.0 * third + fourth)
