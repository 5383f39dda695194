"""Gradients of rest points by the implicit function theorem."""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable

from pajamo.mechanisms.flows.resting.problem import RestProblem


class _Implicit(torch.autograd.Function):
    """A rest point as a function of the residual at it: dx* = -J^-1 d residual."""

    @staticmethod
    def forward(
        ctx: Any, residual: torch.Tensor, state: torch.Tensor, problem: RestProblem, converged: torch.Tensor
    ) -> torch.Tensor:
        del residual  # its gradient is passed on, its value is zero
        ctx.problem, ctx.converged = problem, converged
        ctx.save_for_backward(state)
        return state.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:
        rows = ctx.converged
        found = torch.zeros_like(gradient)
        (state,) = ctx.saved_tensors
        factored = ctx.problem[rows].jacobian(state[rows]).factor()
        found[rows] = -factored.solve_transposed(gradient[rows])
        return found, None, None, None


def attach(
    problem: RestProblem, state: torch.Tensor, converged: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The state with its gradient to all that the residual depends on, and the largest residual of each row.

    The only graph is that of one evaluation of the drift, whatever it took to find the state.
    """
    state = state.detach()
    residual = problem.residual(state)
    largest = residual.detach().abs().amax(-1)
    if not residual.requires_grad:
        return state, largest
    return _Implicit.apply(residual, state, problem, converged), largest
