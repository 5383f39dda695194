"""Steady states of perturbed cells: where the flow comes to rest, with gradients by the implicit function theorem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from pajamo.errors import ModelError
from pajamo.mechanisms.flows.drift import Drift
from pajamo.mechanisms.flows.intervention import Intervention
from pajamo.mechanisms.flows.resting.failure import no_rest_point
from pajamo.mechanisms.flows.resting.follow import Followed, advance, begin
from pajamo.mechanisms.flows.resting.gradient import attach
from pajamo.mechanisms.flows.resting.newton import newton
from pajamo.mechanisms.flows.resting.problem import RestProblem, largest, magnitude

STEPS = 5
"""Steps along the flow between two attempts to reach its rest point by Newton's method."""


@dataclass(frozen=True)
class RestPoints:
    """States in which perturbed cells no longer change.

    Attributes
    ----------
    state: shape (rows, components); of rows that did not converge, the last finite state.
    residual: largest change per unit of time that is left, shape (rows,).
    converged: whether each row came to rest, shape (rows,).
    steps: steps along the flow before Newton's method took over, shape (rows,).
    """

    state: torch.Tensor
    residual: torch.Tensor
    converged: torch.Tensor
    steps: torch.Tensor


def rest_point(
    drift: Drift,
    intervention: Intervention,
    start: torch.Tensor,
    *,
    tolerance: float = 1e-10,
    most_steps: int = 400,
    stages: int = 1,
    names: Sequence[str] | None = None,
    raise_: bool = True,
) -> RestPoints:
    """The rest point that each perturbation ends in, from the control's rest point.

    The flow is followed from `start` until Newton's method contracts from where it is, so that the rest point is
    the one of the basin that the start lies in. Gradients with respect to the drift's weights and the
    intervention's numbers are those of the implicit function theorem, dx* = -J^-1 df, at the cost of one linear
    system; what they keep in memory does not depend on the number of steps. There is no gradient with respect to
    `start`, on which a rest point does not depend, and none through rows that did not converge.

    Parameters
    ----------
    drift: dx/dt; its Jacobian is taken by programmes where the drift knows it (`low_rank_jacobian`).
    intervention: one row a perturbation.
    start: state before the edit, usually the control's rest point, shape (components,) or (rows, components).
    tolerance: largest error of a component relative to its magnitude.
    most_steps: along the flow, for each stage.
    stages: 1 makes the edit at once, as an experiment does. More strengthen it in so many equal parts and let the
        cells come to rest after each, which can end in another basin.
    names: of the perturbations, for messages.
    raise_: whether a perturbation without rest point is an error; if not, see `RestPoints.converged`.

    Raises
    ------
    ModelError: the flow of some perturbation does not come to rest.
    """
    _check(intervention, start, stages)
    state = start.detach().expand(len(intervention), start.shape[-1])
    with torch.no_grad():
        origin, steps = state, torch.zeros(len(state), dtype=torch.long, device=state.device)
        for stage in range(1, stages + 1):
            edited = strengthened(intervention, origin, stage / stages)
            state, converged, taken = _settle(RestProblem(drift, edited), state, tolerance, most_steps)
            steps += taken
    problem = RestProblem(drift, intervention)
    if raise_ and not bool(converged.all()):
        raise no_rest_point(state, converged, origin, names)
    state, residual = attach(problem, state, converged)
    return RestPoints(state, residual, converged, steps)


def strengthened(intervention: Intervention, origin: torch.Tensor, share: float) -> Intervention:
    """The same edits at a share of their strength: 0 leaves the cells at `origin`, 1 is the whole edit.

    Parameters
    ----------
    origin: levels from which clamped components set out, shape (rows, components).
    """
    if share == 1.0:
        return intervention
    return replace(
        intervention,
        factor=1.0 + share * (intervention.factor - 1.0),
        shift=share * intervention.shift,
        level=origin + share * (intervention.level - origin),
        dose=share * intervention.dose,
    )


def _settle(
    problem: RestProblem, start: torch.Tensor, tolerance: float, most_steps: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    at = begin(problem, start)
    converged = torch.zeros(len(start), dtype=torch.bool, device=start.device)
    steps = torch.zeros(len(start), dtype=torch.long, device=start.device)
    active = torch.arange(len(start), device=start.device)
    while True:
        part = at[active]
        found = newton(problem[active], part.state, tolerance=tolerance, local=True)
        resting = found.converged & found.attracting
        at.state[active[resting]] = found.state[resting]
        converged[active[resting]] = True
        active = active[~resting]
        active = active[(steps[active] < most_steps) & _bounded(at.state[active], start[active])]
        if not len(active):
            return at.state, converged, steps
        at.write(active, _follow(problem[active], at[active]))
        steps[active] += STEPS


def _follow(problem: RestProblem, at: Followed) -> Followed:
    for _ in range(STEPS):
        at = advance(problem, at)
    return at


def _bounded(state: torch.Tensor, start: torch.Tensor) -> torch.Tensor:
    return largest(state, magnitude(start).amax(-1, keepdim=True) + 1.0) < 1e9


def _check(intervention: Intervention, start: torch.Tensor, stages: int) -> None:
    shape = tuple(intervention.factor.shape)
    if tuple(start.shape) not in (shape, shape[1:]):
        raise ModelError(
            f"a start of shape {tuple(start.shape)} does not fit {shape[0]} perturbations of {shape[1]} components",
            where="the start of a rest point",
            fix=f"pass the control's state, shape ({shape[1]},), or one state a perturbation, shape {shape}",
        )
    if not bool(start.isfinite().all()) or stages < 1:
        raise ModelError(
            "a rest point is sought from a state that is not finite, or in no stage",
            where=f"the start, or stages={stages}",
            fix="start from a finite state, with stages=1 or more",
        )
