"""Linear dynamics in closed form: time courses, steady states, knockouts of sets, first-order propagation."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from pajamo.errors import ModelError, shorten
from pajamo.mechanisms.flows.jacobian import Jacobian

SINGULAR = 1e12
"""Condition number from which a matrix counts as singular: float64 would leave fewer than four digits."""


def flow(
    matrix: torch.Tensor, offset: torch.Tensor, start: torch.Tensor, time: torch.Tensor | float
) -> torch.Tensor:
    """State after `time` of dx/dt = A x + b, exactly, for any A.

    The exponential of [[A, b], [0, 0]] t carries both the initial state and the offset (Van Loan 1978,
    IEEE Trans. Autom. Control 23:395), so that A need not have an inverse.

    Parameters
    ----------
    matrix: A, per unit of time, shape (..., components, components).
    offset: b, level per unit of time, shape (..., components).
    start: state at time 0, shape (..., components).
    time: of any shape that broadcasts with the leading dimensions.
    """
    components = matrix.shape[-1]
    lead = torch.broadcast_shapes(matrix.shape[:-2], offset.shape[:-1], start.shape[:-1])
    upper = torch.cat([matrix.expand(*lead, -1, -1), offset.expand(*lead, -1).unsqueeze(-1)], dim=-1)
    both = torch.nn.functional.pad(upper, (0, 0, 0, 1))
    duration = torch.as_tensor(time, dtype=matrix.dtype, device=matrix.device)
    carried = torch.linalg.matrix_exp(both * duration[..., None, None])[..., :components, :]
    extended = torch.nn.functional.pad(start, (0, 1), value=1.0)
    return (carried @ extended.unsqueeze(-1)).squeeze(-1)


def steady_state(matrix: torch.Tensor, offset: torch.Tensor) -> torch.Tensor:
    """Where A x + b = 0, shape (..., components).

    It is where cells end only if A is stable (`flows.resting.stability`). A shift edit adds to b, so
    that responses to shifts are additive.

    Raises
    ------
    ModelError: A is singular, so that there is no steady state, or a whole line of them.
    """
    _refuse_singular(matrix, "the rates of change", "some combination of levels is neither made nor lost")
    return torch.linalg.solve(matrix, -offset.unsqueeze(-1)).squeeze(-1)


def total_effects(network: torch.Tensor) -> torch.Tensor:
    """T = (I - W)^-1: what a unit more of one component's own production adds to all, along every path.

    Parameters
    ----------
    network: W of the steady state x = W x + e, production by decay, so without unit; feedback cycles are allowed;
        shape (..., components, components), row = target, column = regulator.

    Raises
    ------
    ModelError: I - W is singular, a feedback loop of gain one.
    """
    identity = torch.eye(network.shape[-1], dtype=network.dtype, device=network.device)
    _refuse_singular(identity - network, "I - W", "a feedback loop has a gain of exactly one")
    return torch.linalg.inv(identity - network)


def clamp_response(
    total: torch.Tensor, level: torch.Tensor, components: Sequence[int], to: torch.Tensor
) -> torch.Tensor:
    """Change of all levels when a set S is held at given levels: T_.S T_SS^-1 (to - x_S).

    Parameters
    ----------
    total: T, shape (components, components).
    level: x, steady state without edit, shape (..., components).
    components: the set S.
    to: levels at which S is held, shape (..., len(S)).

    Raises
    ------
    ModelError: T_SS is singular: with S held, the others have no steady state. Or S names a component twice.
    """
    chosen = list(components)
    if len(set(chosen)) < len(chosen):
        raise ModelError(
            "a set of knockouts names a component twice",
            where=shorten(chosen),
            fix="name every component of the set once",
        )
    among = total[chosen][:, chosen]
    _refuse_singular(
        among,
        f"the total effects among components {shorten(chosen)}",
        "with the set held, a feedback loop among the other components has a gain of exactly one",
    )
    pushed = torch.linalg.solve(among, (to - level[..., chosen]).unsqueeze(-1))
    return (total[:, chosen] @ pushed).squeeze(-1)


def knockout_response(
    total: torch.Tensor, level: torch.Tensor, sets: Sequence[Sequence[int]]
) -> torch.Tensor:
    """Change of all levels by knocking out each set: -T_.S T_SS^-1 x_S, shape (sets, components).

    For a single component i it is -T_.i x_i / T_ii. The empty set changes nothing.

    Raises
    ------
    ModelError: as `clamp_response`.
    """
    none = torch.zeros_like(level)
    return torch.stack(
        [clamp_response(total, level, chosen, none[list(chosen)]) if chosen else none for chosen in sets]
    )


def knockout_epistasis(
    total: torch.Tensor, level: torch.Tensor, sets: Sequence[Sequence[int]]
) -> torch.Tensor:
    """What knocking out a set changes beyond the sum of its single knockouts, shape (sets, components).

    Not zero even in a linear network, because a component that is gone no longer responds to the other: the
    reference against which an interaction is to be called one.
    """
    alone = knockout_response(total, level, [[i] for i in range(total.shape[-1])])
    summed = torch.stack([alone[list(chosen)].sum(0) for chosen in sets])
    return knockout_response(total, level, sets) - summed


def propagate(jacobian: Jacobian, change: torch.Tensor) -> torch.Tensor:
    """First-order shift of a rest point by a small change of the drift, dx* = -J^-1 df, shape (rows, components).

    Errors travel the same way: |error of x*| <= |J^-1| |error of f|.

    Parameters
    ----------
    jacobian: at the rest point (`pajamo.mechanisms.flows.jacobian.jacobian_of`).
    change: of the drift, level per unit of time, shape (rows, components).
    """
    return -jacobian.factor().solve(change)


def _refuse_singular(matrix: torch.Tensor, what: str, why: str) -> None:
    condition = torch.linalg.cond(matrix.detach())
    if not bool((condition < SINGULAR).all()):
        raise ModelError(
            f"{what} cannot be inverted (condition number {condition.max().item():.1e})",
            where="the closed form of a linear steady state",
            why=why,
            fix="shrink the network (a larger ridge), or integrate over the time that was measured instead",
        )
