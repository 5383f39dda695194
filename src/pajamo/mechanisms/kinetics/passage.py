"""How long a molecule takes, on average, until it first comes to a set of states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from pajamo.errors import ModelError
from pajamo.mechanisms.kinetics.absent import finite
from pajamo.mechanisms.kinetics.plan import Plan, Step, plan_of
from pajamo.mechanisms.kinetics.reduction import NEVER, Reduced, at, reduce, tabulated
from pajamo.mechanisms.kinetics.scheme import Scheme

LONGEST = -NEVER / 10
"""A log time above it contains the waiting time in a state that is never left."""


@dataclass(frozen=True)
class Passage:
    """From where a molecule sets out, and the states of which the first that it comes to ends the passage."""

    start: str
    targets: tuple[str, ...]


def log_passage_rate(scheme: Scheme, log_rates: torch.Tensor, passage: Passage) -> torch.Tensor:
    """Natural logarithm of one over the mean time of a passage, shape (...), per unit of time of the rates.

    -inf where it may never end. Arguments and errors are those of `log_mean_first_passage_time`.
    """
    times = log_mean_first_passage_time(scheme, log_rates, passage.targets)
    return -times[..., scheme.state(passage.start)]


def log_mean_first_passage_time(
    scheme: Scheme, log_rates: torch.Tensor, targets: Sequence[str]
) -> torch.Tensor:
    """Natural logarithm of the mean time until a target is first reached, from each state, shape (..., states).

    The times t solve sum_j k_ij (t_i - t_j) = 1 outside of the targets. States are eliminated as for
    occupancies (Heyman and O'Leary 1995, "What is fundamental for Markov chains"), so that nothing is
    subtracted and long times keep all digits. Targets get -inf (no time), states from which a molecule may
    never come +inf.

    Parameters
    ----------
    log_rates: per unit of time, shape (..., transitions); the time comes in that unit. -inf where absent.
    targets: names of states.

    Raises
    ------
    ModelError: no target. StudyError: a target is not a state of the scheme.
    """
    if not targets:
        raise ModelError("a first passage has no target", fix="name at least one state")
    kept = tuple(sorted({scheme.state(name) for name in targets}))
    plan = plan_of(scheme, kept)
    reduced = reduce(plan, tabulated(plan, finite(scheme, log_rates)))
    times = _times(plan, reduced, _waits(plan, reduced))
    rows = torch.stack([times[state] for state in range(len(scheme.states))])
    shown = torch.where(rows > LONGEST, torch.inf, torch.where(rows < -LONGEST, -torch.inf, rows))
    return shown.mT.reshape(*log_rates.shape[:-1], len(shown))


def _waits(plan: Plan, reduced: Reduced) -> list[torch.Tensor]:
    """What stands in place of the 1 when each state is eliminated: with the time that its detours take."""
    waits = {step.state: torch.zeros_like(reduced.table[:1].sum(0)) for step in plan.steps}
    found = []
    for step, leaving in zip(plan.steps, reduced.leaving, strict=True):
        found.append(waits[step.state])
        longer = at(reduced.table, step.into) + (found[-1] - leaving)
        for state, more in zip(step.before.tolist(), longer, strict=True):
            if state in waits:
                waits[state] = torch.logsumexp(torch.stack([waits[state], more]), dim=0)
    return found


def _times(plan: Plan, reduced: Reduced, waits: list[torch.Tensor]) -> dict[int, torch.Tensor]:
    never = torch.full_like(reduced.table[:1].sum(0), 2.0 * NEVER)
    times = dict.fromkeys(plan.kept, never)
    steps = list(zip(plan.steps, reduced.leaving, waits, strict=True))
    for step, leaving, wait in reversed(steps):
        times[step.state] = torch.logsumexp(_parts(step, reduced.table, times, wait), dim=0) - leaving
    return times


def _parts(
    step: Step, table: torch.Tensor, times: dict[int, torch.Tensor], wait: torch.Tensor
) -> torch.Tensor:
    """The waiting time, and the times from the states after, each with its rate."""
    after = [
        entry + times[state] for entry, state in zip(at(table, step.out), step.after.tolist(), strict=True)
    ]
    return torch.stack([wait, *after])
