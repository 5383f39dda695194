"""Where a molecule is at a given time, and whether it has arrived: the transient of any scheme, exact in both tails.

The probabilities after a time t are exp(Q t), Q being the matrix of rates. A short step is a polynomial of it that
adds positive numbers only; then the step is doubled (scaling and squaring, Moler and Van Loan 2003, SIAM Rev. 45:3).
Two habits of Grassmann, Taksar and Heyman 1985 keep every digit while slow and fast rates differ by many orders of
magnitude: nothing is subtracted, and the probabilities of one state's future are made to sum to one after each
doubling. What has not arrived is kept as its logarithm beside the probabilities of those that are left, so that it
may become e^-1,000,000.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch

from pajamo.errors import ModelError
from pajamo.mechanisms.kinetics.absent import finite
from pajamo.mechanisms.kinetics.scheme import Scheme
from pajamo.mechanisms.kinetics.transforms import transformed

FEWEST, MOST = 6, 64
"""Doublings of the short step. Under torch.func, where values cannot be looked at, they are always the most."""
SHORT = 4
"""A short step has at most 2^-4 transitions on average."""
LEAST = 1e-150
"""Probabilities below it count as this: their logarithms and two derivatives of these stay finite."""
SERIES = tuple(ways / 40320 for ways in (14833, 14832, 7420, 2464, 630, 112, 28, 0, 1))
"""exp(X) to the eighth order as a sum of powers of I + X; no coefficient is negative."""


@dataclass(frozen=True)
class _Course:
    """What becomes of a molecule in some time, by the state in which it sets out.

    Attributes
    ----------
    places: probability of each state, of the molecules that have not arrived; shape (..., states, states).
    waiting: ln of the share that has not arrived, shape (..., states).
    """

    places: torch.Tensor
    waiting: torch.Tensor

    def twice(self) -> _Course:
        """The same for twice the time."""
        # Of the next half only those count that can be met; the slowest of them set the scale.
        longest = torch.where(self.places > 0, self.waiting[..., None, :], -torch.inf).amax(-1).detach()
        beside = (self.waiting[..., None, :] - longest[..., None]).clamp(max=0.0)
        weights = self.places * beside.exp()
        lost = (self.places * torch.expm1(self.waiting[..., None, :])).sum(-1)
        few = torch.log1p(lost.clamp(min=-0.5))
        many = longest + weights.sum(-1).log()
        waiting = self.waiting + torch.where(lost > -0.5, few, many)
        return _Course(_shares(weights @ self.places), waiting)


def occupancies_at(scheme: Scheme, log_rates: torch.Tensor, start: str, time: torch.Tensor) -> torch.Tensor:
    """Natural logarithm of the probability of each state at a time, shape (..., states).

    Differentiable any number of times by rates and time, also under torch.func. A probability below 1e-150 counts as
    that. A transition that would happen more than 10^17 times counts as happening so often.

    Parameters
    ----------
    log_rates: natural logarithms of the rates, shape (..., transitions); -inf where a transition is absent.
    start: name of the state at time 0.
    time: zero or above, in the inverse unit of the rates, shape (...) or ().

    Raises
    ------
    StudyError: the scheme has no such state. ModelError: the number of rates is not that of the transitions.
    """
    course = _course(scheme, log_rates, (), time)
    return course.places[..., scheme.state(start), :].clamp(min=LEAST).log()


def log_arrived(
    scheme: Scheme, log_rates: torch.Tensor, start: str, targets: Sequence[str], time: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """ln of the share of molecules that have come to a target by a time, and ln of the share that has not.

    Each of shape (...), and each with all its digits where it is small: what comes back from a target later has
    arrived all the same. Arguments and accuracy are those of `occupancies_at`.

    Raises
    ------
    StudyError: a state that the scheme does not have. ModelError: no target, or the start is one.
    """
    kept = _kept(scheme, tuple(targets))
    place = scheme.state(start)
    if place not in kept or len(kept) == len(scheme.states):
        raise ModelError(
            f"molecules that set out in {start!r} are to arrive at {', '.join(targets) or 'nothing'}",
            why="they have arrived before they leave, or never arrive",
            fix="name at least one target, and another start",
        )
    waiting = _course(scheme, log_rates, tuple(targets), time).waiting[..., kept.index(place)]
    return _log_rest(waiting), waiting


def _log_rest(logarithm: torch.Tensor) -> torch.Tensor:
    """ln(1 - exp(x)) for x up to 0."""
    most = torch.log1p(-logarithm.clamp(max=-0.5).exp())
    little = (-torch.expm1(logarithm.clamp(min=-1.0))).clamp(min=LEAST).log()
    return torch.where(logarithm < -math.log(2.0), most, little)


def _course(scheme: Scheme, log_rates: torch.Tensor, targets: tuple[str, ...], time: torch.Tensor) -> _Course:
    expected = (finite(scheme, log_rates) + time.to(log_rates)[..., None].log()).clamp(
        max=(MOST - SHORT) * math.log(2.0) - math.log(max(len(scheme.transitions), 1))
    )
    doublings = _doublings(scheme, expected)
    course = _short(scheme, targets, (expected - doublings * math.log(2.0)).exp())
    for _ in range(doublings):
        course = course.twice()
    return course


def _doublings(scheme: Scheme, expected: torch.Tensor) -> int:
    """How often the short step is doubled, from ln of how often each transition is expected."""
    if transformed():
        return MOST
    if not expected.numel():
        return FEWEST
    _, leaving = _maps(scheme, ())
    busiest = float((expected.detach().exp() @ leaving.to(expected)).max())
    return min(max(math.ceil(math.log2(max(busiest, 1e-9))) + SHORT, FEWEST), MOST)


def _short(scheme: Scheme, targets: tuple[str, ...], expected: torch.Tensor) -> _Course:
    """The course of a short step, from how often each transition is expected in it, shape (..., transitions)."""
    moves, leaving = (table.to(expected) for table in _maps(scheme, targets))
    states = leaving.shape[1]
    step = (expected @ moves).unflatten(-1, (states, states)) + torch.diag_embed(1.0 - expected @ leaving)
    one = torch.eye(states, dtype=step.dtype, device=step.device)
    whole = SERIES[-1] * one
    for coefficient in reversed(SERIES[:-1]):
        whole = coefficient * one + step @ whole
    if not targets:
        return _Course(_shares(whole), torch.zeros_like(whole[..., 0]))
    arrived = whole[..., :-1, -1] / whole[..., :-1, :].sum(-1)
    return _Course(_shares(whole[..., :-1, :-1]), torch.log1p(-arrived))


def _shares(weights: torch.Tensor) -> torch.Tensor:
    return weights / weights.sum(-1, keepdim=True)


def _kept(scheme: Scheme, targets: tuple[str, ...]) -> list[int]:
    """Positions of the states that are no targets."""
    arrived = {scheme.state(name) for name in targets}
    return [state for state in range(len(scheme.states)) if state not in arrived]


@lru_cache(maxsize=256)
def _maps(scheme: Scheme, targets: tuple[str, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    """Where each transition enters the matrix of rates, with all targets as one last state that is never left.

    Shapes (transitions, states x states) for ways from state to state, (transitions, states) for the states left.
    """
    kept = _kept(scheme, targets)
    count = len(kept) + bool(targets)
    place = [kept.index(state) if state in kept else len(kept) for state in range(len(scheme.states))]
    moves = torch.zeros(len(scheme.transitions), count, count, dtype=torch.float64)
    leaving = torch.zeros(len(scheme.transitions), count, dtype=torch.float64)
    for row, (source, target) in enumerate(scheme.ends):
        if source in kept:
            moves[row, place[source], place[target]] = 1.0
            leaving[row, place[source]] = 1.0
    return moves.flatten(1), leaving
