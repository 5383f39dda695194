"""Follow a flow towards rest in growing implicit steps, so that the state does not leave its basin."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from pajamo.mechanisms.flows.resting.problem import RestProblem, largest, magnitude

GAMMA = 1.0 - 1.0 / math.sqrt(2.0)
"""L-stable, and of the two such values the one that still moves away from a saddle at the right speed."""
ERROR = 0.003
"""Largest error of a step relative to the magnitude of a component: a path, not a solution, is wanted."""
GROWTH, SHRINK = 6.0, 0.1
"""Bounds on the ratio of one step's length to the last's."""


@dataclass
class Followed:
    """Where each row is on its way.

    Attributes
    ----------
    state: shape (rows, components).
    step: length of the next step, in the drift's unit of time, shape (rows,).
    refused: whether the last step was refused, so that the next must not be longer, shape (rows,).
    """

    state: torch.Tensor
    step: torch.Tensor
    refused: torch.Tensor

    def __getitem__(self, rows: torch.Tensor) -> Followed:
        return Followed(self.state[rows], self.step[rows], self.refused[rows])

    def write(self, rows: torch.Tensor, other: Followed) -> None:
        """Put rows back after they were followed on their own."""
        self.state[rows], self.step[rows], self.refused[rows] = other.state, other.step, other.refused


def begin(problem: RestProblem, start: torch.Tensor) -> Followed:
    """A first step in which no component changes by more than about a tenth of its magnitude."""
    start = problem.intervention.clamp(start)
    speed = largest(problem.residual(start), magnitude(start))
    step = 0.1 / speed.clamp(min=1e-12, max=1e12)
    return Followed(start.clone(), step, torch.zeros_like(step, dtype=torch.bool))


def advance(problem: RestProblem, at: Followed) -> Followed:
    """One attempted step of every row: kept where its error is small, shortened where not.

    The linearly implicit method ROS2 (Verwer et al. 1999, SIAM J. Sci. Comput. 20:1456), whose error is judged
    by its first stage. As the step grows it turns into Newton's method; a step so long that it would make an
    unstable direction look stable, det(1/(gamma step) - J) <= 0, is refused.
    """
    state, step = at.state, at.step.unsqueeze(-1)
    rate = 1.0 / (GAMMA * step)
    factored = problem.jacobian(state).minus(rate).factor()
    first = -rate * factored.solve(problem.residual(state))
    second = -rate * factored.solve(problem.residual(state + step * first) - 2.0 * first)
    change = step * (1.5 * first + 0.5 * second)
    error = largest(0.5 * step * (first + second), magnitude(state)) / ERROR
    good = (error <= 1.0) & factored.attracting & change.isfinite().all(-1)
    ratio = (0.8 * error.clamp(min=1e-12).rsqrt()).clamp(SHRINK, GROWTH)
    ratio = torch.where(good, ratio, ratio.clamp(max=0.5))
    ratio = torch.where(at.refused, ratio.clamp(max=1.0), ratio)
    return Followed(torch.where(good.unsqueeze(-1), state + change, state), at.step * ratio, ~good)
