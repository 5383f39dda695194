"""Points of a profile: the best posterior with one quantity held, found by Newton steps from its neighbours."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pajamo.data.assays.assay import Assay
from pajamo.errors import ModelError, nearest
from pajamo.explanations.assays.continuity import jumps
from pajamo.explanations.assays.gauging import twin
from pajamo.explanations.assays.held import HeldProblem, StillProblem
from pajamo.explanations.assays.quantities import Quantity, quantities
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import Rows, log_likelihood, rows_of
from pajamo.training.assays.newton.loop import newton
from pajamo.training.assays.report import CONVERGED_BELOW

STEPS = 40
TIGHT = 1e-3
"""Nats that one more step may promise at a point: drops of a tenth of a nat are to be told apart."""
FARTHEST = 2.0
"""Largest extrapolation from two neighbours, in units of their distance."""
SMALLER = (1, 4)
"""Into how many steps the way from a neighbour is cut when a point is tried again."""
LOWER = 0.01
"""Nats by which another try must be better to count."""


@dataclass(frozen=True)
class ProfilePoint:
    """The optimum with one quantity held.

    Attributes
    ----------
    value: of the quantity, in the unit of its term.
    objective: minus ln posterior of everything else, in nats; the prior of a constant itself is left out.
    log_likelihood: of the training set, in nats.
    test: of the test set, nats per observation; nan without one.
    gap: nats that one more Newton step promises.
    slope: nats by which the objective rises per unit of the quantity.
    """

    value: float
    objective: float
    log_likelihood: float
    test: float
    gap: float
    slope: float = math.nan

    @property
    def converged(self) -> bool:
        """Whether the point is at its optimum."""
        return self.gap < CONVERGED_BELOW


class Profiler:
    """Optima of one model with one quantity held at different values, remembered with their parameters.

    Attributes
    ----------
    model: moved from point to point.
    points: by the value of the quantity.
    optima: minus ln posterior, priors and all, of every optimum with nothing held, in order.
    mended: how many points were replaced by better ones.
    """

    def __init__(self, model: AssayModel, assay: Assay, quantity: Quantity) -> None:
        self.model = twin(model)
        assembly = self.model.assembly
        self._training, self._test = rows_of(assay.part("training")), rows_of(assay.part("test"))
        self._held = HeldProblem(assembly, self._training, quantity)
        self._free = StillProblem(assembly, self._training)
        self.points: dict[float, ProfilePoint] = {}
        self.optima: list[float] = []
        self.mended = 0
        self._parameters: dict[float, dict[str, Tensor]] = {}
        self._begin = self._held.snapshot()
        self._tried: set[tuple[float, float]] = set()

    @property
    def lowest(self) -> ProfilePoint:
        """The best point."""
        return min(self.points.values(), key=lambda point: point.objective)

    def at(self, value: float) -> ProfilePoint:
        """The optimum with the quantity held at a value.

        Where a point and its neighbour lie on two branches of solutions, the higher one is tried again from the
        lower one's parameters, and then its own neighbour.
        """
        if value not in self.points:
            self._restore(value)
            self._remember(value, newton(self._held, limit=STEPS, tolerance=TIGHT).gap)
            self._mend()
        return self.points[value]

    def freed(self) -> ProfilePoint:
        """The optimum with the quantity free, from the best point so far."""
        if self._parameters:
            self._held.restore(self._parameters[self._best_known()])
        done = newton(self._free, limit=STEPS, tolerance=TIGHT)
        self.optima.append(done.objective)
        return self._remember(self._held.value, done.gap)

    def _best_known(self) -> float:
        return min(self._parameters, key=lambda value: self.points[value].objective)

    def _mend(self) -> None:
        while wrong := [pair for pair in jumps(list(self.points.values())) if self._may_help(*pair)]:
            for low, high in wrong:
                self._tried.add((low, high))
                self._again(low, high)

    def _may_help(self, low: float, high: float) -> bool:
        return low in self._parameters and (low, high) not in self._tried

    def _again(self, low: float, high: float) -> None:
        """Try a point from its neighbour's parameters and from the best point's, in one step and in smaller ones."""
        for source in dict.fromkeys((low, self._best_known())):
            for count in SMALLER:
                self._held.restore(self._parameters[source])
                for value in np.linspace(source, high, count + 1)[1:]:
                    self._held.put(float(value))
                    gap = newton(self._held, limit=STEPS, tolerance=TIGHT).gap
                if self._objective() < self.points[high].objective - LOWER:
                    self.mended += 1
                    self._tried = {pair for pair in self._tried if high not in pair}
                    self._remember(high, gap)
                    return

    def _remember(self, value: float, gap: float) -> ProfilePoint:
        self._parameters[value] = self._held.snapshot()
        slope = self._held.slope()
        self.points[value] = ProfilePoint(
            value, self._objective(), self._likelihood(self._training), self._tested(), gap, slope
        )
        return self.points[value]

    @torch.no_grad()
    def _objective(self) -> float:
        penalty = float(self.model.assembly.penalty()) - self._held.own_prior()
        return penalty - self._likelihood(self._training)

    @torch.no_grad()
    def _likelihood(self, parts: tuple[Rows, ...]) -> float:
        return sum(float(log_likelihood(self.model.assembly, rows).sum()) for rows in parts)

    def _tested(self) -> float:
        reads = [self.model.assembly.measurement(r.name).reads(r.recorded).sum() for r in self._test]
        total = float(sum(reads))
        return self._likelihood(self._test) / total if total else float("nan")

    def _restore(self, value: float) -> None:
        """Parameters on the line through the two nearest points that are known."""
        near = sorted(self._parameters, key=lambda known: abs(known - value))[:2]
        self._held.restore(self._parameters[near[0]] if near else self._begin)
        if len(near) == 2:
            share = float(np.clip((value - near[0]) / (near[1] - near[0]), -FARTHEST, FARTHEST))
            with torch.no_grad():
                for name, parameter in self.model.assembly.named_parameters():
                    one, other = self._parameters[near[0]][name], self._parameters[near[1]][name]
                    parameter.copy_(one + share * (other - one))
        self._held.put(value)


def profiled_quantity(model: AssayModel, assay: Assay, name: str) -> Quantity:
    """The quantity of a name, as "CRP+RNAP", "ln rate of active" or "CRP at the wild type".

    Raises
    ------
    ModelError: there is no such quantity, or it is fixed.
    """
    known = {quantity.name: quantity for quantity in quantities(model, assay)}
    if name not in known:
        raise ModelError(
            f"there is no fitted constant {name!r}",
            where=model.name,
            fix=f"{nearest(name, known)}a profile can be made of: {', '.join(known) or 'none'}",
        )
    return known[name]
