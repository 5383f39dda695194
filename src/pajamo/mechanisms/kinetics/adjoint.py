"""The gradient of an elimination, by going through its steps backwards.

The derivative of one log occupancy by one log rate is the probability of the transition in a spanning tree
that leads to that state, less its probability in any tree (the logarithmic derivative of King and Altman's
sum): between -1 and 1. The steps backwards only multiply by shares of sums, numbers between 0 and 1, so that
it is exact to rounding however small the occupancy is. The textbook adjoint, a linear system with the
transposed rates, loses all digits there.
"""

from __future__ import annotations

import torch

from pajamo.mechanisms.kinetics.absent import SMALLEST
from pajamo.mechanisms.kinetics.plan import Plan, Step
from pajamo.mechanisms.kinetics.reduction import (
    NEVER,
    Reduced,
    as_columns,
    at,
    index,
    occupied,
    reduce,
    tabulated,
)


def pulled_back(plan: Plan, log_rates: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """d loss / d log rates, shape (..., transitions), from d loss / d log occupancies, shape (..., states)."""
    shares: list[torch.Tensor] = []
    table = tabulated(plan, log_rates)
    reduced = reduce(plan, table, seen=lambda detour, way: shares.append((detour - way).exp_()))
    sent = torch.zeros_like(reduced.table)
    by_leaving = _through_occupancies(plan, reduced, as_columns(gradient), sent)
    for step, leaving, share in zip(
        reversed(plan.steps), reversed(by_leaving), reversed(shares), strict=True
    ):
        _through_step(step, reduced.table, (sent, leaving, share))
    received = log_rates.new_zeros(log_rates.shape[-1], sent.shape[1])
    received[plan.transitions] = sent[: len(plan.transitions)]
    return received.mT.reshape(log_rates.shape)


def _through_occupancies(
    plan: Plan, reduced: Reduced, gradient: torch.Tensor, sent: torch.Tensor
) -> list[torch.Tensor]:
    """Adds to what is sent to the rates into each state; returns what is sent to each log rate of leaving."""
    occupancy = occupied(plan, reduced)
    due = gradient - torch.softmax(occupancy, dim=0) * gradient.sum(0)
    by_leaving = []
    for step, leaving in zip(plan.steps, reduced.leaving, strict=True):
        own = occupancy[step.state]
        empty = (leaving <= NEVER) | (own < SMALLEST)
        flow = at(reduced.table, step.into) + at(occupancy, step.before) - (own + leaving)
        passed = torch.where(empty, 0.0, due[step.state])
        shared = torch.where(empty, 0.0, flow.exp()) * passed
        sent[step.into] = shared
        due[step.before] += shared
        by_leaving.append(-passed)
    return by_leaving


def _through_step(step: Step, table: torch.Tensor, sent_leaving_share: tuple[torch.Tensor, ...]) -> None:
    """Move what was sent to the ways that had detours added on to the rates of which the detours were made."""
    sent, leaving, share = sent_leaving_share
    direct = at(sent, step.target)
    detour = direct * share
    sent[step.target] = direct - detour
    sent.index_add_(0, index(step.detour_into, sent), detour)
    out = at(table, step.out)
    by_out = torch.zeros_like(out).index_add_(0, index(step.detour_out, sent), detour)
    sent[step.out] = by_out + torch.softmax(out, dim=0) * (leaving - by_out.sum(0))
