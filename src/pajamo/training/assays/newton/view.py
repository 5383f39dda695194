"""One experiment's rows as a Newton step sees them: how its activity moves with the parameters."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pajamo.encoders.guides.steps import StepMap
from pajamo.measurements.scalar.expansion import Expansion
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.objective import Rows
from pajamo.training.assays.newton.coordinates import Coordinates
from pajamo.training.assays.newton.gauge import design
from pajamo.training.assays.newton.steps import StepSlopes

DOUBLE = 2**20
"""Most entries of a Jacobian (rows times parameters) in double precision; larger ones are in single precision."""
MOST_EXACT_TERMS = 8
"""With more terms the curvature of the mechanism itself is left out of the Hessian (Gauss-Newton)."""


@dataclass(frozen=True)
class Response:
    """Derivatives of an experiment's recorded activity by the terms.

    Attributes
    ----------
    activity: shape (rows,), before normalisation.
    slopes: by each term, shape (rows, terms).
    bends: by each two terms, shape (rows, terms, terms); None where there are too many.
    """

    activity: Tensor
    slopes: Tensor
    bends: Tensor | None


class View:
    """Rows of one experiment with the design of every term, made once for a whole fit."""

    def __init__(self, assembly: Assembly, rows: Rows, coordinates: Coordinates) -> None:
        self.rows, self._assembly = rows, assembly
        self._offsets = assembly.offsets(rows.codes, rows.inputs)
        self.measurement = assembly.measurement(rows.name)
        blocks = {block.key: block.where for block in coordinates.readers}
        places = dict(coordinates.constants)
        self.dtype = torch.float64 if len(rows) * coordinates.size <= DOUBLE else torch.float32
        self._parts: list[tuple[int, slice, Tensor | None]] = []
        self._steps: list[tuple[slice, StepSlopes]] = []
        # Terms that count in other experiments alone do not move these rows.
        counting = [
            (number, term)
            for number, term in enumerate(assembly.blueprint.terms)
            if assembly.blueprint.counts(term, rows.name)
        ]
        for name, block in blocks.items():
            terms = [number for number, t in counting if t.encoder == name and t.part is not None]
            encoder = assembly.reader(name)
            if terms and isinstance(encoder, StepMap):
                window = assembly.window(assembly.blueprint.terms[terms[0]], rows.codes)
                self._steps.append((block, StepSlopes(encoder, window, tuple(terms), self.dtype)))
        for number, term in counting:
            if term.part is not None:
                continue
            if term.encoder is not None:
                window = assembly.window(term, rows.codes)
                features = design(assembly.encoder(term), window, self.dtype)
                self._parts.append((number, blocks[term.encoder], features))
            elif number in places:
                place = places[number]
                self._parts.append((number, slice(place, place + 1), None))
        self._size = coordinates.size

    @torch.no_grad()
    def activity(self) -> Tensor:
        """The recorded activity of each row, before normalisation."""
        terms = self._assembly.terms(self.rows.codes, self.rows.name)
        return self._assembly.recorded(self._assembly.law(terms, self._offsets), self.rows.name)

    def normalised(self) -> Tensor:
        """The activity as the measurement takes it."""
        return self._assembly.normalised(self.activity(), self.rows.name)

    def expand(self, activity: Tensor) -> Expansion:
        """The measurement's derivatives at normalised activities."""
        return self.measurement.expand(activity, self.rows.recorded)

    @property
    def spread(self) -> float:
        """The unit of the normalised activity."""
        return float(self._assembly.spread[self._assembly.experiments.index(self.rows.name)])

    def response(self, exact: bool) -> Response:
        """Derivatives of the activity by the terms."""
        terms = self._assembly.terms(self.rows.codes, self.rows.name).detach().requires_grad_(True)
        activity = self._assembly.recorded(self._assembly.law(terms, self._offsets), self.rows.name)
        exact = exact and terms.shape[1] <= MOST_EXACT_TERMS
        (slopes,) = torch.autograd.grad(activity.sum(), terms, create_graph=exact)
        if not exact:
            return Response(activity.detach(), slopes, None)
        bends = [self._bend(slopes[:, term], terms) for term in range(terms.shape[1])]
        return Response(activity.detach(), slopes.detach(), torch.stack(bends, dim=1))

    @staticmethod
    def _bend(slope: Tensor, terms: Tensor) -> Tensor:
        if not slope.requires_grad:
            return torch.zeros_like(terms)
        (bend,) = torch.autograd.grad(slope.sum(), terms, retain_graph=True, materialize_grads=True)
        return bend

    def jacobian(self, response: Response) -> Tensor:
        """Derivatives of the normalised activity by the vector of parameters, (rows, size)."""
        total = torch.zeros(len(self.rows), self._size, dtype=self.dtype)
        for term, where, features in self._parts:
            slope = (response.slopes[:, term, None] / self.spread).to(self.dtype)
            total[:, where] += slope if features is None else features * slope
        for where, steps in self._steps:
            total[:, where] += steps.jacobian(response.slopes / self.spread)
        return total

    def curvature(self, response: Response, slope: Tensor) -> Tensor:
        """Sum over rows of slope times the second derivatives of the activity, (size, size)."""
        total = torch.zeros(self._size, self._size, dtype=torch.float64)
        if response.bends is None:
            return total
        for one, first, left in self._parts:
            for other, second, right in self._parts:
                weight = (slope * response.bends[:, one, other] / self.spread).to(self.dtype)[:, None]
                if float(weight.abs().max()) > 0.0:
                    rows = weight if left is None else left * weight
                    total[first, second] += (
                        rows.T @ (torch.ones_like(weight) if right is None else right)
                    ).double()
        return total
