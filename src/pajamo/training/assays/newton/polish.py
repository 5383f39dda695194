"""The last stretch of a fit whose mechanism has many terms: quasi-Newton steps in the metric of the curvature.

Gauss-Newton steps leave the curvature of the mechanism itself out, and grow short where that matters. L-BFGS (Nocedal
1980, Math Comput 35, 773) learns it from gradients alone, which cost a fraction of a Hessian; in coordinates in which
the Gauss-Newton Hessian is the identity it needs few of them.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor

from pajamo.models.assays.objective import Rows, objective
from pajamo.training.assays.newton.loop import Newton, Progress
from pajamo.training.assays.newton.problem import Problem, Quadratic

MEMORY = 30
NEGLIGIBLE = 1e-3
"""Size of the gradient, in these coordinates, at which to stop: half its square are nats."""
LEAST_CURVATURE = 1e-6
"""Relative to a parameter's information: directions of less are no longer steps for that."""
ROUNDS = 4
"""How often the metric is made anew."""


def polish(
    problem: Problem, parts: tuple[Rows, ...], *, limit: int = 200, progress: Progress | None = None
) -> Newton:
    """Minimise a problem whose measurements keep the physical scale, from near its optimum.

    Parameters
    ----------
    problem: is moved; when interrupted it holds the parameters of the last gradient.
    parts: its rows.
    limit: most gradients in all.
    """
    history: list[float] = []
    gap, value = float("inf"), float("nan")
    for _ in range(ROUNDS):
        metric = _metric(problem.expand(True))
        value, gap, made = _descend(problem, parts, metric, limit - len(history))
        history += made
        if progress is not None:
            progress(f"polished with {len(history)} gradients: objective {value:.3f} nats, left {gap:.3g}")
        if gap < NEGLIGIBLE or len(history) >= limit or len(made) < 2:
            break
    return Newton(value, gap, tuple(history))


def _descend(
    problem: Problem, parts: tuple[Rows, ...], metric: Tensor, limit: int
) -> tuple[float, float, list[float]]:
    """L-BFGS in whitened coordinates; the value, what is left to gain by the metric, and the values on the way."""
    here = np.zeros(problem.size)
    history: list[float] = []

    def at(place: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        step = torch.as_tensor(place - here)
        problem.coordinates.move(metric @ step)
        here[:] = place
        value, slope = _gradient(problem, parts)
        history.append(value)
        return value, (metric.T @ slope).numpy()

    options = {
        "maxcor": MEMORY,
        "maxfun": max(limit, 2),
        "maxiter": max(limit, 2),
        "gtol": 1e-4,
        "ftol": 1e-13,
    }
    found = minimize(at, here.copy(), jac=True, method="L-BFGS-B", options=options)
    value, slope = at(found.x)
    return value, 0.5 * float(slope @ slope), history


def _metric(quadratic: Quadratic) -> Tensor:
    """Coordinates in which the size of the curvature is 1 in every direction, as columns; (size, size)."""
    whitened = quadratic.hessian / quadratic.scale[:, None] / quadratic.scale
    values, vectors = torch.linalg.eigh(whitened)
    return vectors / values.abs().clamp(min=LEAST_CURVATURE).sqrt() / quadratic.scale[:, None]


def _gradient(problem: Problem, parts: tuple[Rows, ...]) -> tuple[float, Tensor]:
    assembly = problem.assembly
    assembly.zero_grad()
    value = objective(assembly, parts)
    value.backward()
    slope = problem.coordinates.pull()
    assembly.zero_grad()
    return float(value.detach()), slope
