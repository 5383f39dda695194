"""Integration in time of a batch of flows, with exact gradients: what every other part of this folder calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch

from pajamo.errors import ModelError
from pajamo.mechanisms.flows.jacobian import Jacobian
from pajamo.mechanisms.flows.solving.adjoint import Adjoint, Family, replay
from pajamo.mechanisms.flows.solving.control import Tolerance
from pajamo.mechanisms.flows.solving.explicit import DormandPrince
from pajamo.mechanisms.flows.solving.field import with_weights
from pajamo.mechanisms.flows.solving.implicit import Rosenbrock
from pajamo.mechanisms.flows.solving.loop import run
from pajamo.mechanisms.flows.solving.method import Method

METHODS: dict[str, Method] = {"explicit": DormandPrince(), "implicit": Rosenbrock()}

Gradient = Literal["auto", "adjoint", "direct"]


@dataclass(frozen=True, kw_only=True)
class Solver:
    """How a flow is integrated.

    Attributes
    ----------
    method: "explicit" (Dormand-Prince 5(4)), or "implicit" (Rosenbrock 4(3)) for stiff systems: rates that differ
        by orders of magnitude, seen long after the fast ones are done.
    rtol, atol: a step is kept where the error of every component is at most atol + rtol * |level|.
    max_steps: attempts after which the integration gives up.
    gradient: "adjoint" (memory does not grow with the steps), "direct" (plain differentiation through every
        step; with explicit steps second derivatives too), "auto" (adjoint unless the drift holds tensors that it
        was not given).
    """

    method: Literal["explicit", "implicit"] = "explicit"
    rtol: float = 1e-6
    atol: float = 1e-9
    max_steps: int = 100_000
    gradient: Gradient = "auto"


@dataclass(frozen=True)
class Solution:
    """States at the times that were asked for, and what they cost.

    Attributes
    ----------
    states: shape (times, rows, components).
    steps: steps that were kept, shape (rows,).
    rejected: attempts that were not, shape (rows,).
    """

    states: torch.Tensor
    steps: torch.Tensor
    rejected: torch.Tensor


def integrate(
    f: Callable[..., torch.Tensor],
    start: torch.Tensor,
    times: torch.Tensor | Sequence[float],
    *,
    method: Literal["explicit", "implicit"] = "explicit",
    rtol: float = 1e-6,
    atol: float = 1e-9,
    max_steps: int = 100_000,
    gradient: Gradient = "auto",
    arguments: Sequence[torch.Tensor] = (),
    jacobian: Callable[..., Jacobian | None] | None = None,
) -> torch.Tensor:
    """States of dx/dt = f(x, *arguments) at the given times after the start, shape (times, rows, components).

    `solve` says what the arguments mean; this returns its states alone.
    """
    solver = Solver(method=method, rtol=rtol, atol=atol, max_steps=max_steps, gradient=gradient)
    return solve(f, start, times, solver, arguments=arguments, jacobian=jacobian).states


def solve(
    f: Callable[..., torch.Tensor],
    start: torch.Tensor,
    times: torch.Tensor | Sequence[float],
    solver: Solver,
    *,
    arguments: Sequence[torch.Tensor] = (),
    jacobian: Callable[..., Jacobian | None] | None = None,
) -> Solution:
    """Integrate a batch of flows; each row has its own steps and does not depend on its neighbours.

    Parameters
    ----------
    f: dx/dt from (state, *arguments), shape (rows, components); rows do not influence one another.
    start: state at time zero, shape (rows, components).
    times: at which states are wanted, from zero upwards and not decreasing; shape (times,), or (times, rows) where
        rows have times of their own. Gradients do not flow to them: scale f to ask how a duration matters.
    arguments: tensors that f depends on and that gradients flow to; those that an `nn.Module` f owns are found.
    jacobian: J from (state, *arguments); without it the implicit method differentiates f forwards.

    Raises
    ------
    IntegrationError: a row diverges or needs too many steps; it carries the last finite state and time.
    ModelError: times run backwards, or `gradient="adjoint"` and f holds tensors that it was not given.
    """
    f, given = with_weights(f, tuple(arguments))
    at = _times(times, start)
    family = Family(f, METHODS[solver.method], jacobian)
    detached = family.at(tuple(one.detach() for one in given))
    record = run(detached, start, at, Tolerance(solver.rtol, solver.atol), solver.max_steps)
    states = record.states
    if torch.is_grad_enabled():
        held = _holds_more(detached.field, start)
        if held and solver.gradient == "adjoint":
            raise _undeclared()
        if held or any(one.requires_grad for one in (start, *given)):
            if held or solver.gradient == "direct":
                states = replay(family.at(given), start, record)
            else:
                states = Adjoint.apply(family, record, start, *given)  # type: ignore[no-untyped-call]
    return Solution(states, (record.steps > 0).sum(dim=0), record.rejected)


def _times(times: torch.Tensor | Sequence[float], start: torch.Tensor) -> torch.Tensor:
    at = torch.as_tensor(times, dtype=start.dtype, device=start.device).detach()
    at = (at[:, None] if at.dim() == 1 else at).expand(-1, len(start)).contiguous()
    if not len(at) or not torch.isfinite(at).all() or (at < 0).any() or (at.diff(dim=0) < 0).any():
        raise ModelError(
            "times of an integration must be finite, from zero upwards and in order",
            why="time runs one way, and a state that nothing changes any more is a rest point, not a time",
            fix="sort the times; ask for the rest point where a duration has no end",
        )
    return at


def _holds_more(field: Callable[[torch.Tensor], torch.Tensor], start: torch.Tensor) -> bool:
    """Whether the drift depends on tensors with gradients that are not among its arguments."""
    return field(start.detach()).requires_grad


def _undeclared() -> ModelError:
    return ModelError(
        "the drift depends on tensors that the adjoint was not told about; their gradients would be lost",
        fix='hand them over in `arguments`, or take gradient="auto", which then differentiates every step',
    )
