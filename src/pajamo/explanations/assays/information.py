"""How well the data determine the parameters: curvature of the posterior at the optimum, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from pajamo.data.assays.assay import Assay
from pajamo.errors import ModelError, shorten, warn
from pajamo.explanations.assays.gauges import Array
from pajamo.explanations.assays.gauging import linear_readers, twin
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import Rows, rows_of
from pajamo.training.assays.newton.coordinates import Coordinates
from pajamo.training.assays.newton.gauge import basis
from pajamo.training.assays.newton.instrument import Instrument
from pajamo.training.assays.newton.problem import Problem, Quadratic
from pajamo.training.assays.starts import some

MOST_WORK = 2e11
"""Rows times squared parameters of which exact curvature is taken; beyond, it would take minutes and gigabytes."""
SMALLEST = 1e-7
"""Curvature, relative to the prior's, below which a direction counts as flat or as a saddle."""


@dataclass(frozen=True)
class Information:
    """Second-order expansion of the posterior in coordinates without gauge freedom (Laplace's approximation).

    Coordinates are the readers' weights along gauge-free directions and the constants, in the terms' own units (kT,
    or ln of rates). Whatever belongs to instruments is at its best for each (projected), or integrated out.

    Attributes
    ----------
    hessian: of minus ln posterior, shape (size, size).
    precision: its part that is the prior's, shape (size,).
    covariance: of the Laplace posterior, shape (size, size).
    readers: coordinates of each reader.
    constants: coordinate of each constant that was fitted, by the name of its term.
    bases: weights of each reader by its coordinates, shape (features, coordinates).
    gap: nats that a Newton step still promises.
    positive: whether this is a minimum: no direction along which the posterior rises.
    instruments: effective number of parameters of all instruments.
    observations: rows, and reads (or readings).
    looked_at: how many of the rows the curvature was taken of; all, but for very large fits.
    """

    hessian: Array
    precision: Array
    covariance: Array
    readers: Mapping[str, slice]
    constants: Mapping[str, int]
    bases: Mapping[str, Array]
    gap: float
    positive: bool
    instruments: float
    observations: tuple[int, int]
    looked_at: int

    @property
    def size(self) -> int:
        """Parameters of encoder and mechanism, without gauge freedom."""
        return len(self.precision)

    @property
    def effective(self) -> float:
        """How many parameters of encoder and mechanism the data determine: size - trace(prior @ covariance).

        A parameter that only its prior holds counts 0, one that the data hold alone counts 1 (MacKay 1992).
        """
        return float(self.size - self.precision @ self.covariance.diagonal())

    def error(self, direction: Array) -> float:
        """Standard error of a linear function of the coordinates, shape (size,)."""
        return float(np.sqrt(np.maximum(direction @ self.covariance @ direction, 0.0)))

    def held(self, direction: Array) -> float:
        """Share of a linear function's precision that is the priors': 0 the data's alone, 1 the priors' alone.

        With covariance C = (likelihood + prior)^-1, the variance g'Cg splits into g'C likelihood Cg + g'C prior Cg.
        """
        moved = self.covariance @ direction
        return float(moved**2 @ self.precision / np.maximum(direction @ moved, 1e-300))

    def of_constant(self, name: str) -> Array:
        """The direction of a constant, shape (size,)."""
        return np.asarray(np.eye(1, self.size, self.constants[name])[0])

    def of_weights(self, reader: str, features: Array) -> Array:
        """The direction of a linear function of a reader's weights; features (..., features) to (..., size)."""
        direction = np.zeros((*features.shape[:-1], self.size))
        direction[..., self.readers[reader]] = features @ self.bases[reader]
        return direction

    def weights_covariance(self, reader: str) -> Array:
        """Covariance of a reader's weights with each position's mean held, shape (features, features)."""
        where, directions = self.readers[reader], self.bases[reader]
        return np.asarray(directions @ self.covariance[where, where] @ directions.T)

    def draws(self, number: int, seed: int) -> Array:
        """Deviations from the optimum, drawn from the Laplace posterior; shape (number, size)."""
        values, vectors = np.linalg.eigh(self.covariance)
        random = np.random.default_rng(seed).standard_normal((number, self.size))
        return np.asarray((random * np.sqrt(values.clip(min=0))) @ vectors.T)

    @property
    def verdict(self) -> str:
        """How far these errors can be trusted, and how many parameters the data determine."""
        rows, reads = self.observations
        text = (
            f"{self.effective:.1f} of {self.size} parameters of the mechanism are determined by {reads:,} "
            f"observations of {rows:,} sequences; the priors hold the rest."
        )
        if self.looked_at < rows:
            text += f" Errors are approximate: Fisher information of {self.looked_at:,} sequences, drawn at random."
        if not self.positive:
            text += " THIS IS NO OPTIMUM: the posterior rises along some direction, errors mean nothing."
        return text


def information(model: AssayModel, assay: Assay) -> Information:
    """Exact curvature of the posterior of the training set where a model stands.

    Of a fit that is too large for Newton steps, it is the Fisher information of some of the rows, counted for all.
    Warns where there are more parameters than sequences.

    Raises
    ------
    ModelError: the model is a black box, which has no parameters to speak of, or is not fitted.
    """
    every = rows_of(assay.part("training"))
    assembly = twin(model).assembly
    if len(linear_readers(assembly)) != len(assembly.blueprint.readers):
        raise ModelError(
            f"{model.name} has a black box among its encoders", why="its weights are no quantities"
        )
    rows, times = _looked_at(assembly, every)
    problem = Problem(assembly, rows)
    if times == 1:
        problem.lay()
        problem.settle(1e-7)
    quadratic = problem.expand(convex=times > 1)
    prior = problem.coordinates.precision().numpy()
    hessian = np.diag(prior) + times * (quadratic.hessian.numpy() - np.diag(prior))
    inner = [b.where for b in problem.coordinates.instruments]
    mechanism = np.setdiff1d(
        np.arange(problem.size), np.concatenate([np.r_[b] for b in inner] or [np.zeros(0, int)])
    )
    covariance, positive = _inverse(hessian, np.where(prior > 0, prior, np.abs(hessian.diagonal())))
    # Of some rows, Fisher information is taken, which is positive but for the instruments' own curves.
    positive = positive or times > 1
    own = np.ix_(mechanism, mechanism)
    terms = assembly.blueprint.terms
    reads = sum(float(assembly.measurement(r.name).reads(r.recorded).sum()) for r in every)
    found = Information(
        hessian[own],
        prior[mechanism],
        covariance[own],
        {block.key: block.where for block in problem.coordinates.readers},
        {terms[place].name: where for place, where in problem.coordinates.constants},
        {name: basis(reader).numpy() for name, reader in linear_readers(assembly).items()},
        _gap(quadratic, covariance),
        positive,
        _instruments(problem, quadratic, covariance),
        (sum(map(len, every)), round(reads)),
        sum(map(len, rows)),
    )
    if found.size > found.observations[0]:
        warn(
            f"{model.name} has {found.size} parameters and {found.observations[0]} sequences: {_held(found)}"
        )
    return found


def _looked_at(assembly: Assembly, rows: tuple[Rows, ...]) -> tuple[tuple[Rows, ...], float]:
    """Rows of which the curvature is taken, and how many rows each of them stands for."""
    total, size = sum(map(len, rows)), Coordinates(assembly).size
    if total * size**2 <= MOST_WORK:
        return rows, 1.0
    few = some(rows, max(round(MOST_WORK / size**2), size), torch.Generator().manual_seed(0))
    return few, total / sum(map(len, few))


def _held(found: Information) -> str:
    """Which parameters the priors hold, by reader or constant."""
    share = found.precision * found.covariance.diagonal()
    parts = {name: share[where] for name, where in found.readers.items()}
    parts |= {name: share[[place]] for name, place in found.constants.items()}
    words = [f"{len(s) - s.sum():.0f} of {len(s)} of {name}" for name, s in parts.items()]
    return f"the data determine {shorten(words)}; priors hold the rest"


def _inverse(hessian: Array, unit: Array) -> tuple[Array, bool]:
    """Inverse in units of the prior, in which a flat direction has curvature one; whether all is positive."""
    root = np.sqrt(unit)
    values, vectors = np.linalg.eigh(hessian / root[:, None] / root)
    positive = bool(values.min(initial=1.0) > SMALLEST)
    inverse = (vectors / np.abs(values).clip(min=SMALLEST)) @ vectors.T
    return inverse / root[:, None] / root, positive


def _gap(quadratic: Quadratic, covariance: Array) -> float:
    slope = quadratic.gradient.numpy()
    return float(0.5 * slope @ covariance @ slope)


def _instruments(problem: Problem, quadratic: Quadratic, covariance: Array) -> float:
    """Effective number of parameters of every instrument: its size - trace(prior @ covariance)."""
    total = 0.0
    blocks = {block.key: block.where for block in problem.coordinates.instruments}
    for view in problem.views:
        prior = Instrument(view.measurement).precision()
        if view.rows.name in blocks:
            where = blocks[view.rows.name]
            spread = torch.as_tensor(covariance[where, where])
        else:
            _, own = view.expand(view.normalised()).parameters()
            response = quadratic.responses[view.rows.name][0]
            spread = torch.linalg.inv(own + prior) + response @ torch.as_tensor(covariance) @ response.T
        total += len(prior) - float((prior * spread).sum())
    return total
