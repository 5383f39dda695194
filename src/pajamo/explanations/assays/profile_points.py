"""Points of a profile: the best posterior with one constant held, found by Newton steps from its neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pajamo.data.assays.assay import Assay
from pajamo.errors import ModelError, nearest
from pajamo.explanations.assays.gauging import buffer, twin
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.objective import Rows, log_likelihood, rows_of
from pajamo.training.assays.newton.loop import newton
from pajamo.training.assays.newton.problem import Problem
from pajamo.training.assays.report import CONVERGED_BELOW

STEPS = 40
TIGHT = 1e-3
"""Nats that one more step may promise at a point: drops of a tenth of a nat are to be told apart."""
FARTHEST = 2.0
"""Largest extrapolation from two neighbours, in units of their distance."""


@dataclass(frozen=True)
class ProfilePoint:
    """The optimum with one constant held.

    Attributes
    ----------
    value: of the constant, in the unit of its term.
    objective: minus ln posterior of everything else, in nats; the constant's own prior is left out.
    log_likelihood: of the training set, in nats.
    test: of the test set, nats per observation; nan without one.
    gap: nats that one more Newton step promises.
    """

    value: float
    objective: float
    log_likelihood: float
    test: float
    gap: float

    @property
    def converged(self) -> bool:
        """Whether the point is at its optimum."""
        return self.gap < CONVERGED_BELOW


class _StillProblem(Problem):
    """A problem whose instruments keep their scales, so that all points of a profile share one objective."""

    def lay(self) -> None:
        """Leave the scales as the optimum has them."""


class Profiler:
    """Optima of one model with one of its constants held at different values, remembered with their parameters."""

    def __init__(self, model: AssayModel, assay: Assay, name: str) -> None:
        self.model = twin(model)
        assembly = self.model.assembly
        self.number = _position(self.model, name)
        self._training, self._test = rows_of(assay.part("training")), rows_of(assay.part("test"))
        self._held = _StillProblem(assembly, self._training, held=frozenset({name}))
        self._free = _StillProblem(assembly, self._training)
        self.points: dict[float, ProfilePoint] = {}
        self._parameters: dict[float, dict[str, Tensor]] = {}
        self._begin = self._held.snapshot()

    @property
    def value(self) -> float:
        """Where the constant stands."""
        return float(self.model.assembly.constants[self.number].detach())

    @property
    def lowest(self) -> ProfilePoint:
        """The best point."""
        return min(self.points.values(), key=lambda point: point.objective)

    def at(self, value: float) -> ProfilePoint:
        """The optimum with the constant held at a value."""
        if value not in self.points:
            self._restore(value)
            self._remember(newton(self._held, limit=STEPS, tolerance=TIGHT).gap)
        return self.points[value]

    def freed(self) -> ProfilePoint:
        """The optimum with the constant free, from the best point so far."""
        if self._parameters:
            self._restore(min(self._parameters, key=lambda value: self.points[value].objective))
        gap = newton(self._free, limit=STEPS, tolerance=TIGHT).gap
        return self._remember(gap)

    def _remember(self, gap: float) -> ProfilePoint:
        value = self.value
        self._parameters[value] = self._held.snapshot()
        objective = float(self._objective())
        self.points[value] = ProfilePoint(
            value, objective, self._likelihood(self._training), self._tested(), gap
        )
        return self.points[value]

    @torch.no_grad()
    def _objective(self) -> Tensor:
        assembly = self.model.assembly
        mean, sd = buffer(assembly, "constant_mean"), buffer(assembly, "constant_sd")
        own_prior = ((assembly.constants - mean) / sd)[self.number] ** 2 / 2
        return assembly.penalty() - own_prior - self._likelihood(self._training)

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
        with torch.no_grad():
            if len(near) == 2:
                share = float(np.clip((value - near[0]) / (near[1] - near[0]), -FARTHEST, FARTHEST))
                for name, parameter in self.model.assembly.named_parameters():
                    one, other = self._parameters[near[0]][name], self._parameters[near[1]][name]
                    parameter.copy_(one + share * (other - one))
            self.model.assembly.constants[self.number] = value


def _position(model: AssayModel, name: str) -> int:
    """Where a constant that was fitted stands among the constants."""
    assembly = model.assembly
    terms = [assembly.blueprint.terms[place] for place in assembly.constant_terms]
    known = [term.name for term in terms if not term.fixed]
    if name not in known:
        raise ModelError(
            f"there is no fitted constant {name!r}",
            where=model.name,
            fix=f"{nearest(name, known)}a profile can be made of: {', '.join(known) or 'none'}",
        )
    return [term.name for term in terms].index(name)
