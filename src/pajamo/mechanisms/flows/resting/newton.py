"""Newton's method for rest points, many rows at once, with damping that does not depend on units."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pajamo.mechanisms.flows.jacobian import Factored
from pajamo.mechanisms.flows.resting.problem import RestProblem, largest, magnitude

CHORDS = 12
"""Steps taken with one factored Jacobian while they keep shrinking."""
SHORTEST = 2.0**-10
"""Damping below which Newton's direction is given up."""
LOCAL = 0.1
"""Contraction of a full step below which the drift is nearly linear between a state and the rest point."""


@dataclass
class NewtonResult:
    """Where Newton's method ended.

    Attributes
    ----------
    state: shape (rows, components).
    converged: whether the last step was within the tolerance, shape (rows,).
    attracting: whether det(-J) > 0 there, which excludes saddles with one way out, shape (rows,).
    """

    state: torch.Tensor
    converged: torch.Tensor
    attracting: torch.Tensor


def newton(
    problem: RestProblem, start: torch.Tensor, *, tolerance: float, most: int = 30, local: bool = False
) -> NewtonResult:
    """Solve residual = 0 from each start.

    Damped by the natural monotonicity test: a step counts as good where it shortens the next simplified step,
    both measured in the state's own unit, whatever the units of the equations (Deuflhard, Newton Methods for
    Nonlinear Problems, 2004, section 3.3).

    Parameters
    ----------
    problem: equations of all rows.
    start: shape (rows, components).
    tolerance: largest last step relative to the magnitude of a component.
    most: factored Jacobians a row.
    local: give up rows of which a full step does not contract by `LOCAL`: only rest points that the state
        reaches through a region where the drift is nearly linear are kept, so no basin is left.
    """
    state = start.clone()
    converged = torch.zeros(len(state), dtype=torch.bool, device=state.device)
    attracting = converged.clone()
    active = torch.arange(len(state), device=state.device)
    for _ in range(most):
        part, point = problem[active], state[active]
        factored = part.jacobian(point).factor()
        step = -factored.solve(part.residual(point))
        scale = magnitude(point)
        done = largest(step, scale) <= tolerance
        moved, usable = _damped(part, factored, point, step, only_full=local)
        state[active] = torch.where(done.unsqueeze(-1), point + step, moved)
        converged[active], attracting[active] = done, done & factored.attracting
        active = active[usable & ~done]
        if not len(active):
            break
    return NewtonResult(state, converged, attracting)


def _damped(
    part: RestProblem, factored: Factored, point: torch.Tensor, step: torch.Tensor, *, only_full: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """The states after a damped step and chord steps, and whether any damping shortened the next step."""
    scale, length = magnitude(point), largest(step, magnitude(point))
    damping = torch.ones_like(length)
    while True:
        trial = point + damping.unsqueeze(-1) * step
        following = -factored.solve(part.residual(trial))
        contraction = largest(following, scale) / length
        enough = torch.full_like(damping, LOCAL) if only_full else 1.0 - damping / 4
        good = (contraction <= enough) | (length == 0)
        if only_full or bool((good | (damping <= SHORTEST)).all()):
            break
        damping = torch.where(good | (damping <= SHORTEST), damping, damping / 2)
    good &= length.isfinite()
    kept = torch.where(good.unsqueeze(-1), trial, point)
    fast = good & (contraction <= LOCAL) & (damping == 1.0)
    return _chords(part, factored, kept, torch.where(fast.unsqueeze(-1), following, 0.0), scale), good


def _chords(
    part: RestProblem, factored: Factored, point: torch.Tensor, step: torch.Tensor, scale: torch.Tensor
) -> torch.Tensor:
    """Steps with the same Jacobian for as long as each is much shorter than the one before."""
    length = largest(step, scale)
    for _ in range(CHORDS):
        point = point + step
        step = -factored.solve(part.residual(point))
        shorter = largest(step, scale) <= LOCAL * length
        if not bool(shorter.any()):
            break
        step, length = torch.where(shorter.unsqueeze(-1), step, 0.0), largest(step, scale)
        length = torch.where(shorter, length, 0.0)
    return point
