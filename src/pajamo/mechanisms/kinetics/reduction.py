"""Eliminating states one after another, in logarithms and without a subtraction of rates.

Grassmann, Taksar and Heyman 1985 (Oper. Res. 33:1107): if a state k is not looked at, the others see detours
through it, k_ij + k_ik k_kj / sum_l k_kl. The sum in the denominator runs over the states that are left, in
place of the diagonal element that Gaussian elimination would get by subtraction, so that every entry keeps
its relative accuracy (O'Cinneide 1993, Numer. Math. 65:109).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from pajamo.mechanisms.kinetics.absent import ABSENT
from pajamo.mechanisms.kinetics.plan import Plan, Positions, Step

NEVER = -1e15
"""Log rate of leaving a state that is not left: far below every rate, and far above `ABSENT`."""

Detour = Callable[[torch.Tensor, torch.Tensor], None]


@dataclass(frozen=True)
class Reduced:
    """What is left of the rates.

    Parameters
    ----------
    table: log rates into and out of every state as they were when it was eliminated, shape (entries, rows).
    leaving: log rate of leaving each eliminated state for any other that was left, in the order of the plan's
        steps, each of shape (rows,).
    """

    table: torch.Tensor
    leaving: list[torch.Tensor]


def at(table: torch.Tensor, positions: Positions) -> torch.Tensor:
    """Rows of a table; differentiable any number of times."""
    return table.index_select(0, index(positions, table))


def index(positions: Positions, table: torch.Tensor) -> torch.Tensor:
    """Positions where the table is."""
    return torch.from_numpy(positions).to(table.device)


def as_columns(values: torch.Tensor) -> torch.Tensor:
    """Shape (last axis, rows) from shape (..., last axis)."""
    return values.reshape(math.prod(values.shape[:-1]), values.shape[-1]).mT


def tabulated(plan: Plan, log_rates: torch.Tensor) -> torch.Tensor:
    """The plan's table before the first elimination, shape (entries, rows), from log rates (..., transitions)."""
    rates = at(as_columns(log_rates), plan.transitions)
    return torch.nn.functional.pad(rates, (0, 0, 0, plan.entries - len(plan.transitions)), value=ABSENT)


def reduce(plan: Plan, table: torch.Tensor, *, seen: Detour | None = None) -> Reduced:
    """Eliminate all states of a plan.

    Parameters
    ----------
    table: as `tabulated` gives it.
    seen: is shown, at every step, the log rates of the detours and of the ways to which they have been added.
    """
    write = torch.Tensor.index_copy if torch.is_grad_enabled() else torch.Tensor.index_copy_
    leaving = []
    for step in plan.steps:
        out = at(table, step.out)
        leaving.append(left(out))
        detour = at(table, step.detour_into) + at(out - leaving[-1], step.detour_out)
        way = torch.logsumexp(torch.stack([at(table, step.target), detour]), dim=0)
        table = write(table, 0, index(step.target, table), way)
        if seen:
            seen(detour, way)
    return Reduced(table, leaving)


def left(out: torch.Tensor) -> torch.Tensor:
    """Log rate of leaving a state by any way, shape (rows,)."""
    if not len(out):
        return out.new_full(out.shape[1:], NEVER)
    return torch.logsumexp(out, dim=0).clamp(min=NEVER)


def occupied(plan: Plan, reduced: Reduced) -> torch.Tensor:
    """Log occupancies, up to a constant a row, shape (states, rows): what flows into a state equals what leaves it.

    A state that is not left, because transitions are absent, is where the row ends up: the states that were
    known before it are transient in that row, and get `ABSENT`.
    """
    (root,) = plan.kept
    rank = _ranks(plan)
    known = {root: reduced.table.new_zeros(reduced.table.shape[1:])}
    first = torch.zeros_like(known[root])
    for step, leaving in zip(reversed(plan.steps), reversed(reduced.leaving), strict=True):
        ended = leaving <= NEVER
        filled = _filled(step, leaving, reduced.table, _counted(step, known, rank, first))
        known[step.state] = torch.where(ended, 0.0, filled)
        first = torch.where(ended, float(rank[step.state]), first)
    return torch.stack([torch.where(first > rank[i], ABSENT, known[i]) for i in range(len(known))])


def _ranks(plan: Plan) -> dict[int, int]:
    """Position in which each state's occupancy becomes known."""
    return {state: i for i, state in enumerate((*plan.kept, *(step.state for step in reversed(plan.steps))))}


def _counted(
    step: Step, known: dict[int, torch.Tensor], rank: dict[int, int], first: torch.Tensor
) -> torch.Tensor:
    """Occupancies of the states before; those known before a state that is never left are empty."""
    if not len(step.before):
        return first.new_zeros((0, *first.shape))
    each = [torch.where(first > rank[state], ABSENT, known[state]) for state in step.before.tolist()]
    return torch.stack(each)


def _filled(step: Step, leaving: torch.Tensor, table: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
    if not len(before):
        return torch.full_like(leaving, ABSENT)
    return torch.logsumexp(at(table, step.into) + before, dim=0) - leaving
