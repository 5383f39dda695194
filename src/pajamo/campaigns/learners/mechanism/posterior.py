"""What the data leave open of a mechanism and of one experiment's instrument: one Gaussian about the optimum."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from pajamo.data.assays.assay import Assay
from pajamo.explanations.assays.gauging import linear_readers
from pajamo.explanations.assays.quantities import Quantity, quantities
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import Rows, rows_of
from pajamo.training.assays.newton.coordinates import Coordinates
from pajamo.training.assays.newton.factor import factor
from pajamo.training.assays.newton.gauge import basis
from pajamo.training.assays.newton.instrument import Instrument
from pajamo.training.assays.newton.moved import relative_to
from pajamo.training.assays.newton.problem import Problem, Quadratic
from pajamo.training.assays.newton.view import View

SMALLEST = 1e-11
"""Curvature, relative to a parameter's own, below which a direction counts as flat."""
LEAST_SHARE = 0.2
"""Exact curvature along any direction, as a share of Fisher information and prior, that room is counted with."""


@dataclass(frozen=True)
class Posterior:
    """Laplace's approximation: coordinates = optimum + mechanism @ u, instrument = optimum + instrument @ u.

    Attributes
    ----------
    assembly: at its optimum.
    coordinates: the parameters that are moved.
    mechanism: shape (size, K).
    instrument: of the experiment that is looked at, shape (parameters, K).
    mean, along: by how much the normalised activity moves with the coordinates because all training rows move, and
        because their spread does, shape (size,) each; zeros where activities are not normalised.
    log_evidence: ln of the probability of all that was recorded, up to a number that depends on the records alone.
    """

    assembly: Assembly
    coordinates: Coordinates
    mechanism: Tensor
    instrument: Tensor
    mean: Tensor
    along: Tensor
    log_evidence: float

    def activity(self, rows: Rows) -> Tensor:
        """The activity of sequences as the instrument takes it, shape (rows,)."""
        with torch.no_grad():
            return self.assembly.coordinate(rows.codes, rows.name, rows.inputs)

    def moved(self, rows: Rows) -> Tensor:
        """How activities move with u, the instrument as it is; shape (rows, K)."""
        view = View(self.assembly, rows, self.coordinates)
        jacobian = view.jacobian(view.response(exact=False)).double()
        if view.measurement.normalised:
            jacobian = jacobian - self.mean - self.activity(rows)[:, None] * self.along
        return jacobian @ self.mechanism

    def loading(self, quantity: Quantity) -> Tensor:
        """How a number of the mechanism moves with u, in its unit; shape (K,)."""
        direction = torch.zeros(self.coordinates.size, dtype=torch.float64)
        if quantity.features is None:
            terms = self.assembly.blueprint.terms
            places = {terms[term].name: place for term, place in self.coordinates.constants}
            direction[places[quantity.of]] = 1.0
        else:
            where = next(b.where for b in self.coordinates.readers if b.key == quantity.read_by)
            directions = basis(linear_readers(self.assembly)[quantity.read_by])
            direction[where] = directions.T @ torch.as_tensor(quantity.features)
        return quantity.scale * (direction @ self.mechanism)


def posterior_of(model: AssayModel, assay: Assay, experiment: str) -> Posterior:
    """The curvature of the posterior where a model stands, its instruments included.

    The exact one; the Fisher information (Gauss-Newton), which is always positive, where this is no minimum.

    Parameters
    ----------
    model: at its optimum for the training set of the assay; its instruments' scales are laid anew.
    assay: what was recorded.
    experiment: whose instrument is looked at.
    """
    problem = Problem(model.assembly, rows_of(assay.part("training")))
    problem.lay()
    value = problem.settle(1e-7)
    quadratic = problem.expand(False)
    values, vectors = _eigen(quadratic.hessian, problem)
    if bool((values <= SMALLEST).any()):
        quadratic = problem.expand(True)
        values, vectors = _eigen(quadratic.hessian, problem)
        values = values.clamp(min=SMALLEST)
    root = vectors / values.sqrt()
    mechanism, instrument = _joined(problem, quadratic, root, experiment)
    mean, along = _common(problem, experiment)
    evidence = -value - 0.5 * float(values.log().sum()) + _room(problem)
    return Posterior(problem.assembly, problem.coordinates, mechanism, instrument, mean, along, evidence)


def numbers_of(model: AssayModel, assay: Assay) -> dict[str, Quantity]:
    """Every number of a mechanism that can be narrowed, by its name."""
    return {quantity.name: quantity for quantity in quantities(model, assay)}


def _eigen(hessian: Tensor, problem: Problem) -> tuple[Tensor, Tensor]:
    """Eigenvalues in units of the prior (or of a parameter's own information), and axes in the parameters' units."""
    prior = problem.coordinates.precision()
    unit = torch.where(prior > 0, prior, hessian.diagonal().abs().clamp(min=1e-12)).sqrt()
    values, vectors = torch.linalg.eigh(hessian / unit[:, None] / unit)
    return values, vectors / unit[:, None]


def determined(problem: Problem, unit: Tensor) -> float:
    """ln det of the curvature in everything that a problem moves, its instruments too.

    It falls where parameters have more room. Where two branches of solutions meet, the exact curvature vanishes along
    a direction, and Laplace's method would find endless room there; no direction counts as less than a share of the
    Fisher information and the prior.

    Parameters
    ----------
    problem: at its optimum.
    unit: in which parameters are counted, the same wherever places are compared; shape (size,).
    """
    fisher, exact = (problem.expand(convex).hessian / unit[:, None] / unit for convex in (True, False))
    lower = factor(fisher)
    half = torch.linalg.solve_triangular(lower, exact, upper=False)
    values = torch.linalg.eigvalsh(torch.linalg.solve_triangular(lower, half.T, upper=False))
    own = 2.0 * lower.diagonal().log().sum() + values.clamp(min=LEAST_SHARE).log().sum()
    return float(own) - 2.0 * _room(problem)


def _room(problem: Problem) -> float:
    """ln of the room that data leave to projected instruments, relative to that which their priors leave."""
    return sum(
        float(factor(prior).diagonal().log().sum() - lower.diagonal().log().sum())
        for _, prior, lower in _projected(problem)
    )


def _projected(problem: Problem) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Of each projected instrument its experiment, its prior's precision, and the factor of its whole precision."""
    joined = {block.key for block in problem.coordinates.instruments}
    for view in problem.views:
        if view.rows.name not in joined:
            prior = Instrument(view.measurement).precision()
            yield view.rows.name, prior, factor(view.expand(view.normalised()).parameters()[1] + prior)


def _joined(problem: Problem, quadratic: Quadratic, root: Tensor, experiment: str) -> tuple[Tensor, Tensor]:
    """Roots of mechanism and instrument over common unknowns.

    A projected instrument c is at its best for every vector v of the mechanism, c = c0 - R v, with its own spread.
    """
    lower = {name: one for name, _, one in _projected(problem)}.get(experiment)
    if lower is None:
        blocks = {block.key: block.where for block in problem.coordinates.instruments}
        return root, root[blocks.get(experiment, slice(0, 0))]
    eye = torch.eye(len(lower), dtype=lower.dtype)
    own_root = torch.linalg.solve_triangular(lower, eye, upper=False).T
    mechanism = torch.cat([root, root.new_zeros(len(root), own_root.shape[1])], dim=1)
    return mechanism, torch.cat([-quadratic.responses[experiment][0] @ root, own_root], dim=1)


def _common(problem: Problem, experiment: str) -> tuple[Tensor, Tensor]:
    """Mean of the training rows' derivatives, and their mean product with the activity."""
    nothing = torch.zeros(problem.size, dtype=torch.float64)
    for view in problem.views:
        if view.rows.name == experiment and view.measurement.normalised:
            jacobian = view.jacobian(view.response(exact=False))
            mean, along = relative_to(jacobian, view.normalised())
            return mean.double(), along.double()
    return nothing, nothing
