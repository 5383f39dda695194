"""Newton steps with damping that is safe where the curvature is negative, and a verdict on convergence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pajamo.training.assays.newton.factor import not_finite
from pajamo.training.assays.newton.problem import Problem, Quadratic
from pajamo.training.assays.report import CONVERGED_BELOW

Progress = Callable[[str], None]
SWITCH = 3.0
"""Nats promised by a step below which the scale is kept and the exact curvature is taken."""
TIGHT = 1e-6
MOST_TRIALS = 12
LOOSE = 1e-2
"""Nats to which instruments are projected while steps are long."""
NEGATIVE = -1e-6
"""Curvature, relative to a parameter's information, below which a point is a saddle and not rounding."""
PUSH = 1.0
"""Nats that a push off a saddle, where the slope says nothing, is to gain."""
WORTHWHILE = 1e-4
"""Nats that it must gain: curvature that is negative by rounding alone promises less."""


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
        whitened = quadratic.hessian / scale[:, None] / scale
        if not bool(torch.isfinite(whitened).all() and torch.isfinite(quadratic.gradient).all()):
            raise not_finite("the objective's curvature")
        values, vectors = torch.linalg.eigh(whitened)
        return cls(values, vectors, vectors.T @ (quadratic.gradient / scale), scale)

    @property
    def gap(self) -> float:
        """Nats that an undamped step promises."""
        return 0.5 * float((self.slopes**2 / self.values.abs().clamp(min=1e-9)).sum())

    @property
    def saddle(self) -> bool:
        """Whether the objective falls to both sides along some direction."""
        return bool((self.values < NEGATIVE).any())

    def move(self, damping: float, push: bool = False) -> tuple[Tensor, float]:
        """The damped step, and how many nats it promises; `push`: off a saddle, where slopes vanish."""
        size = self.values.abs() + damping
        along = -self.slopes / size
        if push:
            # Eigenvalues rise: the first direction is the one in which the objective falls fastest.
            side = -1.0 if self.slopes[0] > 0 else 1.0
            along[0] = side * max(
                float(along[0].abs()), float((2.0 * PUSH * self.values[0].abs()).sqrt() / size[0])
            )
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
    The fit has converged when a step promises less than `tolerance` nats and the curvature is positive; a saddle
    is left along its steepest direction. When interrupted, the problem holds the best parameters so far.

    Parameters
    ----------
    problem: is moved.
    limit: most steps.
    tolerance: nats.
    switch: nats.
    progress: is told a line at each step.

    Raises
    ------
    ModelError: the objective or its curvature is not finite.
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
        push = not convex and gap < tolerance
        reached = _descend(problem, quadratic, eigen, value, damping, push)
        if reached is None:
            if not convex:
                break
            convex, damping = False, 1e-2
            continue
        value, damping = reached
    return Newton(value, gap, tuple(history))


def _descend(
    problem: Problem, quadratic: Quadratic, eigen: _Eigen, value: float, damping: float, push: bool
) -> tuple[float, float] | None:
    """Damp until a step lowers the objective; returns it and the next damping, or None if none does."""
    before, kept = problem.snapshot(), False
    tolerance = min(LOOSE, max(1e-7, 0.01 * eigen.gap))
    try:
        for _ in range(MOST_TRIALS):
            move, promised = eigen.move(damping, push)
            reached = problem.step(move, quadratic, tolerance)
            ratio = (value - reached) / max(promised, 1e-12)
            kept = reached < value - push * WORTHWHILE and ratio > 1e-3
            if kept:
                return reached, _damped(damping, ratio)
            problem.restore(before)
            damping = max(damping, 1e-6) * 6.0
        return None
    finally:
        if not kept:
            problem.restore(before)


def _damped(damping: float, ratio: float) -> float:
    if ratio > 0.75:
        damping /= 5.0
    elif ratio < 0.25:
        damping *= 2.5
    return max(damping, 1e-9)
