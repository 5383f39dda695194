"""Newton steps with damping that is safe where the curvature is negative, and a verdict on convergence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pajamo.training.assays.newton.problem import Problem, Quadratic
from pajamo.training.assays.report import CONVERGED_BELOW

SWITCH = 3.0
"""Nats promised by a step below which the scale is kept and the exact curvature is taken."""
TIGHT = 1e-6
MOST_TRIALS = 12
LOOSE = 1e-2
"""Nats to which instruments are projected while steps are long."""


@dataclass(frozen=True)
class Newton:
    """How a Newton fit ended: the objective, what a further step promises, and the objective at each step."""

    objective: float
    gap: float
    history: tuple[float, ...]


@dataclass(frozen=True)
class _Eigen:
    """A quadratic along its own axes, in units of each parameter's information."""

    values: Tensor
    vectors: Tensor
    slopes: Tensor
    scale: Tensor

    @classmethod
    def of(cls, quadratic: Quadratic) -> _Eigen:
        scale = quadratic.scale
        values, vectors = torch.linalg.eigh(quadratic.hessian / scale[:, None] / scale)
        return cls(values, vectors, vectors.T @ (quadratic.gradient / scale), scale)

    @property
    def gap(self) -> float:
        """Nats that an undamped step promises."""
        return 0.5 * float((self.slopes**2 / self.values.abs().clamp(min=1e-9)).sum())

    @property
    def saddle(self) -> bool:
        return bool((self.values < -1e-6).any())

    def move(self, damping: float) -> tuple[Tensor, float]:
        """The damped step, and how many nats it promises."""
        along = -self.slopes / (self.values.abs() + damping)
        promised = -float(self.slopes @ along + 0.5 * (self.values * along**2).sum())
        return (self.vectors @ along) / self.scale, promised


def newton(
    problem: Problem,
    *,
    limit: int = 200,
    tolerance: float = CONVERGED_BELOW,
    switch: float = SWITCH,
    progress: Callable[[str], None] | None = None,
) -> Newton:
    """Minimise a problem from where it stands.

    First the curvature is kept convex (Gauss-Newton); when a step promises less than `switch` nats it is made exact.
    The fit has converged when a step promises less than `tolerance` nats and the curvature is positive.
    """
    problem.lay()
    value, history, gap = problem.settle(LOOSE), [], float("inf")
    convex, damping = True, 1.0
    for number in range(limit):
        quadratic = problem.expand(convex)
        eigen = _Eigen.of(quadratic)
        gap = eigen.gap
        history.append(value)
        if progress is not None:
            progress(f"step {number}: objective {value:.2f} nats, a step promises {gap:.3g}")
        if convex and gap < switch:
            problem.lay()
            value, convex, damping = problem.settle(TIGHT), False, 1e-3
            continue
        if not convex and gap < tolerance and not eigen.saddle:
            break
        reached = _descend(problem, quadratic, eigen, value, damping, gap)
        if reached is None:
            if not convex:
                break
            convex, damping = False, 1e-2
            continue
        value, damping = reached
    return Newton(value, gap, tuple(history))


def _descend(
    problem: Problem, quadratic: Quadratic, eigen: _Eigen, value: float, damping: float, gap: float
) -> tuple[float, float] | None:
    """Damp until a step lowers the objective; returns it and the next damping, or None if none does."""
    before = problem.snapshot()
    tolerance = min(LOOSE, max(1e-7, 0.01 * gap))
    for _ in range(MOST_TRIALS):
        move, promised = eigen.move(damping)
        reached = problem.step(move, quadratic, tolerance)
        ratio = (value - reached) / max(promised, 1e-12)
        if reached < value and ratio > 1e-3:
            return reached, _damped(damping, ratio)
        problem.restore(before)
        damping = max(damping, 1e-6) * 6.0
    return None


def _damped(damping: float, ratio: float) -> float:
    if ratio > 0.75:
        damping /= 5.0
    elif ratio < 0.25:
        damping *= 2.5
    return max(damping, 1e-9)
