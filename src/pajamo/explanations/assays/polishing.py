"""Bringing a model to the nearest optimum before anything is said of its parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pajamo.data.assays.assay import Assay
from pajamo.encoders.sequence.additive import AdditiveEncoder
from pajamo.explanations.assays.canonical import PhysicalFrame, canonical
from pajamo.explanations.assays.gauges import LetterMap, fix_gauge
from pajamo.explanations.assays.gauging import linear_readers, twin
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import objective, rows_of
from pajamo.training.assays.newton.loop import Newton, newton
from pajamo.training.assays.newton.problem import Problem
from pajamo.training.assays.report import CONVERGED_BELOW

STEPS = 100
ESCAPES = 3
"""How often a saddle is left."""
DOWNWARDS = 1e-4
"""Negative curvature, in units of the prior's, from which a point counts as a saddle."""
LENGTHS = (1.0, 4.0)
"""How far to go from a saddle, where one is the length at which the quadratic has gained one nat."""
ROUNDS = 4
STILL = 0.02
"""Nats by which laying the instruments' scales anew may still change an optimum."""


@dataclass(frozen=True)
class Polished:
    """A model at an optimum.

    Attributes
    ----------
    model: the copy that was moved.
    objective: minus ln posterior, in nats.
    gap: nats that one more Newton step promises; nan where the model is too large for one, and was left as it was.
    """

    model: AssayModel
    objective: float
    gap: float

    @property
    def converged(self) -> bool:
        """Whether the optimum is reached."""
        return self.gap < CONVERGED_BELOW


def polish(model: AssayModel, assay: Assay, steps: int = STEPS) -> Polished:
    """Newton steps from where a model stands, on the training set; the model itself is not changed.

    A saddle, which a fit from random starts may end in (an interaction energy of zero is one between a frame and its
    mirror image), is left along the direction in which the posterior rises most.
    """
    moved = twin(model)
    _rest_means(moved)
    problem = Problem(moved.assembly, rows_of(assay.part("training")))
    done = settled(problem, steps)
    for _ in range(ESCAPES):
        better = _escaped(problem, done, steps)
        if better is None:
            break
        done = better
    return Polished(moved, done.objective, done.gap)


def optimum_in_frame(model: AssayModel, assay: Assay) -> tuple[PhysicalFrame, Polished]:
    """The optimum nearest to a fitted mechanism, in the frame in which its energies are reported."""
    frame = canonical(model, assay)
    polished = polish(frame.model, assay)
    # From a saddle between two frames, the optimum may lie in either.
    again = canonical(polished.model, assay)
    if again.applied.states == tuple(range(len(again.applied.states))):
        return frame, polished
    return again, polish(again.model, assay)


def as_fitted(model: AssayModel, assay: Assay) -> tuple[PhysicalFrame, Polished]:
    """A model that is too large for Newton steps where its fit stopped, in the frame in which it is reported."""
    frame = canonical(model, assay)
    with torch.no_grad():
        reached = float(objective(frame.model.assembly, rows_of(assay.part("training"))))
    return frame, Polished(frame.model, reached, math.nan)


@torch.no_grad()
def _rest_means(model: AssayModel) -> None:
    """Put each position's mean weight where its prior has it, and what it was into the constant.

    Newton steps do not move these means, which change no prediction; left where random starts put them, they would
    make the prior of the constant a matter of chance.
    """
    for reader in linear_readers(model.assembly).values():
        if isinstance(reader, AdditiveEncoder):
            prior = reader.prior_mean.numpy()
            uniform = np.full((reader.length, len(reader.letters)), 1 / len(reader.letters))
            away = LetterMap.of(reader, reader.weights.numpy() - prior)
            reader.weights.copy_(torch.as_tensor(prior + fix_gauge(away, uniform).vector()))


def _escaped(problem: Problem, done: Newton, steps: int) -> Newton | None:
    """The optimum beside a saddle; None if this is none, or if the posterior does not rise after all."""
    direction = _downwards(problem)
    if direction is None:
        return None
    here = problem.snapshot()
    for length in (sign * far for far in LENGTHS for sign in (1.0, -1.0)):
        problem.restore(here)
        problem.coordinates.move(length * direction)
        reached = settled(problem, steps)
        if reached.objective < done.objective - STILL:
            return reached
    problem.restore(here)
    return None


def _downwards(problem: Problem) -> Tensor | None:
    """The direction of most negative curvature, of the length at which one nat is gained; None at a minimum."""
    if not problem.size:
        return None
    quadratic = problem.expand(convex=False)
    prior = problem.coordinates.precision()
    root = torch.where(prior > 0, prior, quadratic.hessian.diagonal().abs()).sqrt()
    values, vectors = torch.linalg.eigh(quadratic.hessian / root[:, None] / root)
    if float(values[0]) > -DOWNWARDS:
        return None
    direction: Tensor = vectors[:, 0] / root * (2.0 / -values[0]).sqrt()
    return direction


def settled(problem: Problem, steps: int = STEPS) -> Newton:
    """Minimise, laying the instruments' scales anew until the optimum stands still."""
    done = newton(problem, limit=steps)
    for _ in range(ROUNDS):
        before = done.objective
        done = newton(problem, limit=steps)
        if abs(done.objective - before) < STILL:
            break
    return done
