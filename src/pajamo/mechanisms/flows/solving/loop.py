"""The adaptive loop: which steps each row takes, and the states at the times that were asked for. No gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch

from pajamo.mechanisms.flows.jacobian import Jacobian
from pajamo.mechanisms.flows.solving.control import Tolerance, first_step, next_step
from pajamo.mechanisms.flows.solving.failure import no_progress, too_many_steps
from pajamo.mechanisms.flows.solving.method import Field, Method, inside, weighted


@dataclass(frozen=True)
class Problem:
    """A flow with everything that a step needs.

    Attributes
    ----------
    field: dx/dt from the state.
    method: how a step is made.
    jacobian: from the state to J; None lets an implicit method differentiate the field itself.
    """

    field: Field
    method: Method
    jacobian: Callable[[torch.Tensor], Jacobian | None] | None = None


@dataclass(frozen=True)
class Record:
    """What a replay of the integration needs; its size does not depend on the number of components.

    Attributes
    ----------
    states: at the times that were asked for, shape (times, rows, components).
    steps: length of each kept step, shape (steps, rows); 0 where a row took none in that round.
    landed: in which round each time was passed, shape (times, rows); -1 for time zero.
    share: how far into that step, 0 to 1, shape (times, rows).
    rejected: attempts of each row that were not kept, shape (rows,).
    """

    states: torch.Tensor
    steps: torch.Tensor
    landed: torch.Tensor
    share: torch.Tensor
    rejected: torch.Tensor


@dataclass
class _Loop:
    """One integration under way; every tensor has one entry a row."""

    problem: Problem
    tolerance: Tolerance
    times: torch.Tensor
    state: torch.Tensor
    time: torch.Tensor
    step: torch.Tensor
    error: torch.Tensor
    slope: torch.Tensor
    rejected: torch.Tensor
    states: torch.Tensor
    landed: torch.Tensor
    share: torch.Tensor
    steps: list[torch.Tensor] = field(default_factory=list)

    @classmethod
    def begin(cls, problem: Problem, start: torch.Tensor, times: torch.Tensor, tolerance: Tolerance) -> _Loop:
        slope = problem.field(start)
        step = first_step(problem.field, start, slope, tolerance, problem.method.error_order)
        zero = torch.zeros_like(step)
        states = start.expand(len(times), *start.shape).clone()
        landed = torch.full_like(times, -1, dtype=torch.long)
        return cls(
            problem, tolerance, times, start, zero, step, zero + 1.0, slope, zero.long(),
            states, landed, torch.zeros_like(times),
        )  # fmt: skip

    def unfinished(self) -> torch.Tensor:
        """Rows that have not reached the last time that was asked for."""
        return self.time < self.times[-1]

    def attempt(self) -> None:
        """Try a step for every unfinished row, keep it where its error is small, and choose the next step."""
        active, left = self.unfinished(), self.times[-1] - self.time
        step = torch.where(active, torch.minimum(self.step, left), 0.0)
        self._check(active, step)
        method = self.problem.method
        tried = method.increments(
            self.problem.field, self.state, step[:, None], slope=self.slope, jacobian=self.problem.jacobian
        )
        end = self.state + weighted(tried.parts, method.weights)
        error = self.tolerance.norm(weighted(tried.parts, method.error_weights), self.state, end)
        kept = active & (error <= 1.0)
        if kept.any():
            self._keep(kept, torch.where(kept, step, 0.0), left, end, tried.parts)
            self._take_slope(kept, tried.slope)
        self.rejected += active & ~kept
        self.step = torch.where(active, next_step(step, error, self.error, method.error_order), self.step)
        self.error = torch.where(kept, error, self.error)

    def _keep(
        self,
        kept: torch.Tensor,
        step: torch.Tensor,
        left: torch.Tensor,
        end: torch.Tensor,
        parts: Sequence[torch.Tensor],
    ) -> None:
        after = torch.where(step == left, self.times[-1], self.time + step)
        passed = kept & (self.times > self.time) & (self.times <= after)
        at, rows = passed.nonzero(as_tuple=True)
        if len(at):
            share = (self.times[at, rows] - self.time[rows]) / step[rows]
            self.landed[at, rows], self.share[at, rows] = len(self.steps), share
            self.states[at, rows] = inside(self.problem.method, self.state, parts, share, rows)
        self.steps.append(step)
        self.time = torch.where(kept, after, self.time)
        self.state = torch.where(kept[:, None], end, self.state)

    def _take_slope(self, kept: torch.Tensor, slope: torch.Tensor | None) -> None:
        if slope is None:
            self.slope = self.problem.field(self.state)
        else:
            self.slope = torch.where(kept[:, None], slope, self.slope)

    def _check(self, active: torch.Tensor, step: torch.Tensor) -> None:
        stuck = active & ~(self.time + step > self.time)
        if stuck.any():
            raise no_progress(self.state, self.time, stuck)


def run(
    problem: Problem, start: torch.Tensor, times: torch.Tensor, tolerance: Tolerance, max_steps: int
) -> Record:
    """Integrate every row from time zero through its column of `times`.

    Parameters
    ----------
    start: shape (rows, components).
    times: not decreasing down each column, shape (times, rows).

    Raises
    ------
    IntegrationError: a row diverges, or is not at its end after `max_steps` attempts.
    """
    with torch.no_grad():
        loop = _Loop.begin(problem, start.detach(), times, tolerance)
        for _ in range(max_steps):
            if not loop.unfinished().any():
                break
            loop.attempt()
        else:
            if loop.unfinished().any():
                raise too_many_steps(loop.state, loop.time, loop.unfinished(), max_steps)
    steps = torch.stack(loop.steps) if loop.steps else times.new_zeros(0, len(start))
    return Record(loop.states, steps, loop.landed, loop.share, loop.rejected)
