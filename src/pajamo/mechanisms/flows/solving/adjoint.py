"""Exact gradients of an integration, in memory that does not grow with its number of steps.

The steps that were taken are kept (one number a step and row), the states are not: the backward pass replays them
from the start, first to a few checkpoints, then between two checkpoints, and differentiates one step at a time. What
results is the gradient of the numbers that were computed, not of another integration backwards in time, which for
a decaying system would explode (Griewank and Walther 2000, ACM Trans. Math. Softw. 26:19; Gholami et al. 2019,
arXiv 1902.10298). Step lengths are taken as given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from pajamo.mechanisms.flows.jacobian import Jacobian
from pajamo.mechanisms.flows.solving.failure import refuse_second_derivatives
from pajamo.mechanisms.flows.solving.loop import Problem, Record
from pajamo.mechanisms.flows.solving.method import Increments, Method, inside, weighted

CHECKPOINTS = 32

Tensors = tuple[torch.Tensor, ...]


@dataclass(frozen=True)
class Family:
    """A problem for each choice of the tensors that its drift depends on.

    Attributes
    ----------
    field: dx/dt from the state and those tensors.
    method: how a step is made.
    jacobian: J from the state and those tensors, or None.
    """

    field: Callable[..., torch.Tensor]
    method: Method
    jacobian: Callable[..., Jacobian | None] | None = None

    def at(self, arguments: Tensors) -> Problem:
        """The problem with these tensors."""
        jacobian = self.jacobian
        return Problem(
            lambda state: self.field(state, *arguments),
            self.method,
            jacobian and (lambda state: jacobian(state, *arguments)),
        )


def replay(problem: Problem, start: torch.Tensor, record: Record) -> torch.Tensor:
    """The states of a record once more, differentiable in the plain way; memory grows with the steps.

    It supports what the adjoint does not: second derivatives (of explicit steps), and tensors that the drift holds
    without saying so.
    """
    state, places, passed = start, [], []
    for round_, step in enumerate(record.steps):
        at, rows = (record.landed == round_).nonzero(as_tuple=True)
        moved = _increments(problem, state, step, at)
        if len(at):
            places.append(torch.stack([at, rows]))
            passed.append(inside(problem.method, state, moved.parts, record.share[at, rows], rows))
        state = state + weighted(moved.parts, problem.method.weights)
    states = start.expand(record.states.shape)
    return states.index_put(tuple(torch.cat(places, dim=1)), torch.cat(passed)) if places else states


class Adjoint(torch.autograd.Function):
    """States of a record as a differentiable function of the start and of the tensors of the drift."""

    @staticmethod
    def forward(
        ctx: Any, family: Family, record: Record, start: torch.Tensor, *arguments: torch.Tensor
    ) -> torch.Tensor:
        """Hand on the states that were computed, and keep what a replay needs."""
        ctx.family = family
        ctx.save_for_backward(record.steps, record.landed, record.share, start, *arguments)
        return record.states.clone()

    @staticmethod
    def backward(ctx: Any, *sent: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Replay the steps in reverse and pull the gradient of the states through each."""
        refuse_second_derivatives()
        steps, landed, share, start, *arguments = ctx.saved_tensors
        wanted = ctx.needs_input_grad[3:]
        leaves = tuple(one.detach().requires_grad_(yes) for one, yes in zip(arguments, wanted, strict=True))
        pull = _Pull(ctx.family.at(leaves), steps, landed, share, sent[0], leaves)
        back = pull.through(start)
        totals = iter(pull.totals)
        return (None, None, back, *(next(totals) if yes else None for yes in wanted))


class _Pull:
    """The backward pass: gradients of the states, summed while the steps are undone."""

    def __init__(
        self,
        problem: Problem,
        steps: torch.Tensor,
        landed: torch.Tensor,
        share: torch.Tensor,
        sent: torch.Tensor,
        leaves: Tensors,
    ) -> None:
        self.problem, self.steps, self.landed, self.share, self.sent = problem, steps, landed, share, sent
        self.leaves = tuple(leaf for leaf in leaves if leaf.requires_grad)
        self.totals = [torch.zeros_like(leaf) for leaf in self.leaves]
        self.back = torch.zeros_like(sent[0])

    def through(self, start: torch.Tensor) -> torch.Tensor:
        """Gradient with respect to the start; those of the leaves are in `totals`."""
        self._span(start.detach(), 0, len(self.steps))
        at, rows = (self.landed == -1).nonzero(as_tuple=True)
        return self.back.index_put((rows,), self.sent[at, rows], accumulate=True)

    def _span(self, start: torch.Tensor, first: int, count: int) -> None:
        """Undo `count` rounds of which the first began at `start`."""
        if count <= 1:
            if count:
                self._undo(start, first)
            return
        stride = -(-count // CHECKPOINTS)
        marks = list(self._marks(start, first, count, stride))
        for begin, state in reversed(marks):
            self._span(state, begin, min(stride, first + count - begin))

    def _marks(
        self, state: torch.Tensor, first: int, count: int, stride: int
    ) -> Iterator[tuple[int, torch.Tensor]]:
        last = first + (count - 1) // stride * stride
        yield first, state
        for round_ in range(first, last):
            with torch.no_grad():
                moved = _increments(self.problem, state, self.steps[round_], self.steps[:0])
                state = state + weighted(moved.parts, self.problem.method.weights)
            if (round_ + 1 - first) % stride == 0:
                yield round_ + 1, state

    def _undo(self, state: torch.Tensor, round_: int) -> None:
        at, rows = (self.landed == round_).nonzero(as_tuple=True)
        with torch.enable_grad():
            state = state.detach().requires_grad_()
            moved = _increments(self.problem, state, self.steps[round_], at)
            ends = [state + weighted(moved.parts, self.problem.method.weights)]
            sent = [self.back]
            if len(at):
                ends.append(inside(self.problem.method, state, moved.parts, self.share[at, rows], rows))
                sent.append(self.sent[at, rows])
        pulled = torch.autograd.grad(ends, (state, *self.leaves), sent, materialize_grads=True)
        self.back = pulled[0]
        for total, part in zip(self.totals, pulled[1:], strict=True):
            total += part


def _increments(
    problem: Problem, state: torch.Tensor, step: torch.Tensor, passed: torch.Tensor
) -> Increments:
    return problem.method.increments(
        problem.field, state, step[:, None], jacobian=problem.jacobian, end_only=not len(passed)
    )
