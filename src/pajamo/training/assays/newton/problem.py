"""The posterior of a model of an assay as a function of one vector, with its second-order expansion."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.objective import Rows
from pajamo.training.assays.newton.coordinates import Coordinates
from pajamo.training.assays.newton.factor import factor
from pajamo.training.assays.newton.instrument import Instrument
from pajamo.training.assays.newton.moved import Moved
from pajamo.training.assays.newton.view import View


@dataclass(frozen=True)
class Quadratic:
    """The objective about a point, instruments that are convex being at their best for every parameter.

    Attributes
    ----------
    gradient: shape (size,).
    hessian: shape (size, size).
    scale: unit of each parameter: the square root of its own information.
    responses: for each projected instrument, how its best parameters move with the vector, (parameters, size), and
        what is left to move at the point itself, (parameters,).
    """

    gradient: Tensor
    hessian: Tensor
    scale: Tensor
    responses: dict[str, tuple[Tensor, Tensor]]


class Problem:
    """Everything that a Newton fit asks of a model.

    Activities are normalised anew at every point, so that the instruments' curves move along with them: this keeps
    steps long, and no energy can buy smoothness by stretching the activity against an instrument's scale.
    """

    def __init__(
        self, assembly: Assembly, parts: tuple[Rows, ...], held: frozenset[str] = frozenset()
    ) -> None:
        self.assembly = assembly
        self.coordinates = Coordinates(assembly, held)
        self.views = [View(assembly, rows, self.coordinates) for rows in parts]
        self._instruments = {view.rows.name: Instrument(view.measurement) for view in self.views}

    @property
    def size(self) -> int:
        """Number of parameters that steps move."""
        return self.coordinates.size

    def snapshot(self) -> dict[str, Tensor]:
        """Everything that a step may change."""
        return {name: values.clone() for name, values in self.assembly.state_dict().items()}

    def restore(self, snapshot: dict[str, Tensor]) -> None:
        """Take back a step."""
        self.assembly.load_state_dict(snapshot)

    def lay(self) -> None:
        """Lay the instruments' scales over the present activities."""
        for view in self.views:
            view.measurement.follow(self.assembly.settle(view.activity(), view.rows.name))

    def settle(self, tolerance: float) -> float:
        """Bring projected instruments to their best; returns the objective, in nats."""
        return self._settled(tolerance, {})

    def _settled(self, tolerance: float, shifts: dict[str, Tensor]) -> float:
        """As `settle`, from where instruments are first shifted, unless that makes them worse."""
        total = self._prior()
        for view in self.views:
            name = view.rows.name
            expansion = view.expand(self.assembly.settle(view.activity(), name))
            instrument = self._instruments[name]
            if name in shifts:
                instrument.shift(expansion, shifts[name])
            if view.measurement.convex:
                instrument.project(expansion, tolerance)
            total += instrument.value(expansion)
        return total

    def _prior(self) -> float:
        own = sum(float(view.measurement.penalty().detach()) for view in self.views)
        return float(self.assembly.penalty().detach()) - own

    def step(self, move: Tensor, quadratic: Quadratic, tolerance: float) -> float:
        """Move the vector, and projected instruments along with it; returns the objective."""
        self.coordinates.move(move)
        responses = quadratic.responses.items()
        return self._settled(
            tolerance, {name: -response @ move - rest for name, (response, rest) in responses}
        )

    def expand(self, convex: bool) -> Quadratic:
        """The objective's second-order expansion here; `convex`: one whose curvature is never negative."""
        total = _Sums(self.coordinates)
        for view in self.views:
            self._add(view, total, convex)
        hessian = (total.hessian + total.hessian.T) / 2
        return Quadratic(total.gradient, hessian, total.information.clamp(min=1e-12).sqrt(), total.responses)

    def _add(self, view: View, total: _Sums, convex: bool) -> None:
        name = view.rows.name
        response = view.response(exact=not convex)
        z = self.assembly.normalised(response.activity, name)
        expansion = view.expand(z)
        moved = Moved.of(view, response, expansion, z, convex)
        total.gradient += moved.gradient
        total.hessian += moved.hessian
        total.information += moved.information
        cross = expansion.cross(moved.jacobian, convex)
        slope, own = expansion.parameters()
        instrument = self._instruments[name]
        slope, own = slope + instrument.prior_slope(), own + instrument.precision()
        if view.measurement.convex:
            total.eliminate(name, cross, slope, own)
        else:
            total.join(name, cross, slope, own)


class _Sums:
    """Sums over experiments of what makes the expansion."""

    def __init__(self, coordinates: Coordinates) -> None:
        self.gradient = coordinates.prior_slope()
        self.information = coordinates.precision()
        self.hessian = torch.diag(self.information)
        self.responses: dict[str, tuple[Tensor, Tensor]] = {}
        self._blocks = {block.key: block.where for block in coordinates.instruments}

    def eliminate(self, name: str, cross: Tensor, slope: Tensor, own: Tensor) -> None:
        """An instrument that is at its best for every vector: the Schur complement of its parameters."""
        right = torch.cat([cross.T, slope[:, None]], dim=1)
        solved = torch.cholesky_solve(right, factor(own))
        self.hessian -= cross @ solved[:, :-1]
        self.gradient -= cross @ solved[:, -1]
        self.responses[name] = (solved[:, :-1], solved[:, -1])

    def join(self, name: str, cross: Tensor, slope: Tensor, own: Tensor) -> None:
        """An instrument whose parameters are part of the vector."""
        where = self._blocks[name]
        self.hessian[:, where] += cross
        self.hessian[where, :] += cross.T
        self.hessian[where, where] += own
        self.gradient[where] += slope
        self.information[where] += own.diagonal().abs()
