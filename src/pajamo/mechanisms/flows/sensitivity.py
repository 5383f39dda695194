"""How errors and delays travel along a trajectory: the variational equation and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch.func import vmap

from pajamo.data.history import Segment
from pajamo.mechanisms.flows.solving.derivative import pushed
from pajamo.mechanisms.flows.solving.field import BoundDrift, with_weights
from pajamo.mechanisms.flows.solving.solve import Solver, solve
from pajamo.mechanisms.flows.trajectory import Flow

Times = torch.Tensor | Sequence[float]
Field = Callable[..., torch.Tensor]


def propagate(
    f: Field,
    start: torch.Tensor,
    directions: torch.Tensor,
    times: Times,
    *,
    solver: Solver | None = None,
    arguments: Sequence[torch.Tensor] = (),
) -> tuple[torch.Tensor, torch.Tensor]:
    """Trajectory, and what small displacements of its start become: dV/dt = Df(x) V.

    Parameters
    ----------
    f: dx/dt from (state, *arguments), as in `solve`.
    start: shape (rows, components).
    directions: displacements of the start, shape (rows, components, directions).

    Returns
    -------
    states of shape (times, rows, components) and V of shape (times, rows, components, directions).
    """
    f, given = with_weights(f, tuple(arguments))

    def both(state: torch.Tensor, matrix: torch.Tensor, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return _along(lambda x: f(x, *tensors), state, matrix)

    return _joint(both, start, directions, times, solver, given)


def fundamental_matrix(
    f: Field,
    start: torch.Tensor,
    times: Times,
    *,
    solver: Solver | None = None,
    arguments: Sequence[torch.Tensor] = (),
) -> tuple[torch.Tensor, torch.Tensor]:
    """Trajectory, and Phi(t) = dx(t)/dx(0) along it, shape (times, rows, components, components)."""
    identity = torch.eye(start.shape[1], dtype=start.dtype, device=start.device)
    directions = identity.expand(len(start), -1, -1)
    return propagate(f, start, directions, times, solver=solver, arguments=arguments)


def propagate_covariance(
    f: Field,
    start: torch.Tensor,
    covariance: torch.Tensor,
    times: Times,
    *,
    noise: torch.Tensor | None = None,
    solver: Solver | None = None,
    arguments: Sequence[torch.Tensor] = (),
) -> tuple[torch.Tensor, torch.Tensor]:
    """Trajectory, and the covariance that an uncertain start has become: dS/dt = J S + S J' + D.

    Without noise this is Phi S Phi'. To first order in the spread: the mean is taken to follow the trajectory.

    Parameters
    ----------
    covariance: of the start, shape (rows, components, components).
    noise: D, variance that the process itself adds per unit of time, shape (components, components) or with rows.
    """
    f, given = with_weights(f, tuple(arguments))
    added = torch.zeros_like(covariance) if noise is None else noise.expand_as(covariance)

    def both(
        state: torch.Tensor, spread: torch.Tensor, more: torch.Tensor, *tensors: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        slope, moved = _along(lambda x: f(x, *tensors), state, spread)
        return slope, moved + moved.mT + more

    return _joint(both, start, covariance, times, solver, (added, *given))


def editing_delay(
    flow: Flow, start: torch.Tensor, before: Segment, after: Segment, delay: float, time: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """State at `time` of cells in which editing set in after `delay`, and its derivative by the delay.

    dx(t)/dtau = -Phi(t - tau) [f(x(tau); edited) - f(x(tau); unedited)]: what one more unit of delay takes away.

    Parameters
    ----------
    start: shape (rows, components).
    before, after: segments without and with the edit; their durations are not used.

    Returns
    -------
    states and derivatives, each of shape (rows, components).
    """
    rows = len(start)
    unedited, edited = (flow.intervene([segment] * rows) for segment in (before, after))
    early, late = (BoundDrift.of(flow.drift, numbers) for numbers in (unedited, edited))
    at = solve(
        early.f, start, [delay], flow.solver, arguments=early.arguments, jacobian=early.jacobian
    ).states[0]
    jump = late.f(at, *late.arguments) - early.f(at, *early.arguments)
    states, moved = propagate(
        late.f, at, -jump[:, :, None], [time - delay], solver=flow.solver, arguments=late.arguments
    )
    return states[0], moved[0, :, :, 0]


def _along(field: Field, state: torch.Tensor, matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """f(x) and Df(x) M, without forming Df(x)."""
    slope, push = pushed(field, state)
    return slope, vmap(push, in_dims=2, out_dims=2)(matrix)


def _joint(
    both: Callable[..., tuple[torch.Tensor, ...]],
    start: torch.Tensor,
    matrix: torch.Tensor,
    times: Times,
    solver: Solver | None,
    arguments: Sequence[torch.Tensor],
) -> tuple[torch.Tensor, torch.Tensor]:
    """Integrate a state and a matrix a row together."""
    rows, components = start.shape

    def joint(packed: torch.Tensor, *tensors: torch.Tensor) -> torch.Tensor:
        state, entries = packed[:, :components], packed[:, components:]
        slope, moved = both(state, entries.reshape(rows, *matrix.shape[1:]), *tensors)
        return torch.cat([slope, moved.reshape(rows, -1)], dim=1)

    packed = torch.cat([start, matrix.reshape(rows, -1)], dim=1)
    states = solve(joint, packed, times, solver or Solver(), arguments=arguments).states
    return states[:, :, :components], states[:, :, components:].reshape(len(states), *matrix.shape)
