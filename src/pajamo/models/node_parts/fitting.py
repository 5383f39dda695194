"""Members that learn at once: every choice of weights, on all training conditions and without some of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.mechanisms.flows.resting.stability import stability_hinge
from pajamo.models.node_parts.course import Course
from pajamo.models.node_parts.drifts import ridge
from pajamo.models.node_parts.member import Member, member_of
from pajamo.models.node_parts.records import Records
from pajamo.models.node_parts.resting import Correction, Order, Resting
from pajamo.models.node_parts.space import StateSpace
from pajamo.models.parts.folds import fold_of

Weights = tuple[float, float]
"""Weights of the stationarity of controls and of perturbed cells."""
CANDIDATES: tuple[Weights, ...] = ((0.0, 0.0), (1.0, 0.0), (1.0, 0.1), (1.0, 1.0))
"""Weights that are tried."""
FOLDS = 5
"""One perturbation in so many is kept aside to choose among them."""


class Networks(torch.nn.Module):
    """The drifts of all members, and what cells diffuse in each, which only losses on single cells use.

    Parameters
    ----------
    drift: whose weights begin with the axis of members.
    diffusion: start of the variance gained per unit of time, shape (components,).
    """

    def __init__(self, drift: torch.nn.Module, members: int, diffusion: torch.Tensor) -> None:
        super().__init__()
        self.drift = drift
        self.log_diffusion = torch.nn.Parameter(diffusion.log().repeat(members, 1))


@dataclass(frozen=True)
class Plan:
    """Which member has which weights and sees which perturbations.

    Attributes
    ----------
    candidates: weights that are tried.
    members: networks that see everything, for each candidate; one more of each does not see what is aside.
    aside: conditions that the last network of each candidate does not see.
    """

    candidates: tuple[Weights, ...]
    members: int
    aside: frozenset[Condition]

    @classmethod
    def of(
        cls, candidates: tuple[Weights, ...], members: int, conditions: Sequence[Condition], seed: int
    ) -> Plan:
        """One fold of the training perturbations is kept aside, none if there is a single one."""
        folds = fold_of(conditions, FOLDS, seed)
        held = [c for c, fold in zip(conditions, folds, strict=True) if fold == 0]
        return cls(candidates, members, frozenset(held if folds.any() else []))

    @property
    def block(self) -> int:
        """Networks of each candidate."""
        return self.members + 1

    @property
    def total(self) -> int:
        """Networks that are trained."""
        return self.block * len(self.candidates)

    def weights(self, member: int) -> Weights:
        """Weights of a network."""
        return self.candidates[member // self.block]

    def whole(self, candidate: int) -> list[int]:
        """Networks of a candidate that see every training condition."""
        return list(range(candidate * self.block, (candidate + 1) * self.block - 1))

    def unseeing(self, candidate: int) -> int:
        """The network of a candidate that does not see what is aside."""
        return (candidate + 1) * self.block - 1

    def sees_all(self, member: int) -> bool:
        """Whether a network sees what is aside."""
        return (member + 1) % self.block != 0

    def kept(self, conditions: Sequence[Condition]) -> torch.Tensor:
        """1 where a network sees a condition, shape (networks, conditions)."""
        seen = torch.tensor([float(c not in self.aside) for c in conditions])
        return torch.stack([torch.ones_like(seen) if self.sees_all(m) else seen for m in range(self.total)])


@dataclass(frozen=True)
class Terms:
    """How stationarity is asked for."""

    order: Order
    correction: Correction
    stability: float
    seed: int


class Fitting:
    """The loss of all members.

    Parameters
    ----------
    start: states in which histories begin, shape (begins, components).
    resting: controls and perturbed cells that should not change.
    """

    def __init__(
        self,
        plan: Plan,
        space: StateSpace,
        records: Records,
        course: Course,
        start: torch.Tensor,
        resting: tuple[Resting, Resting],
        terms: Terms,
    ) -> None:
        self.plan, self.space, self.records, self.course = plan, space, records, course
        self.start, self.terms = start, terms
        self.kept = plan.kept(records.conditions)
        self.measurements = self.kept.sum(1) * records.value.shape[1]
        self.controls, self.perturbed = resting
        self.fewer = self.perturbed.without(plan.aside)

    def predicted(self, networks: Networks) -> torch.Tensor:
        """Coordinates of every row of the records, shape (members, rows, coordinates)."""
        start = self.start.expand(self.plan.total, *self.start.shape)
        return self.space.compared(self.course.run(networks.drift, start))

    def loss(self, networks: Networks, step: int) -> torch.Tensor:
        """Trajectories and stationarity, summed over members, which share nothing."""
        total = self.records.misfit(self.predicted(networks), self.kept).sum()
        total = total + (ridge(networks.drift) / self.measurements).sum()
        for number in range(self.plan.total):
            perturbed = self.perturbed if self.plan.sees_all(number) else self.fewer
            drift, diffusion = member_of(networks.drift, number), networks.log_diffusion[number].exp()
            for weight, resting in zip(self.plan.weights(number), (self.controls, perturbed), strict=True):
                if weight > 0 and len(resting):
                    total = total + weight * self._stationarity(resting, drift, diffusion, step)
            if self.terms.stability > 0 and len(self.controls):
                hinge = stability_hinge(drift, self.controls.mean, self.controls.intervention)
                total = total + self.terms.stability * hinge
        return total

    def errors_aside(self, networks: Networks) -> NDArray[np.float64]:
        """Error of each candidate on what its last member did not see, shape (candidates,)."""
        with torch.no_grad():
            errors = self.records.misfit(self.predicted(networks), 1.0 - self.kept)
        return errors[self.plan.block - 1 :: self.plan.block].double().numpy()

    def _stationarity(
        self, resting: Resting, drift: Member, diffusion: torch.Tensor, step: int
    ) -> torch.Tensor:
        if self.terms.order == "kernel":
            return resting.deviation(drift, diffusion)
        seed = self.terms.seed + step
        first = resting.term(drift, self.terms.correction, seed)
        if self.terms.order == 1:
            return first
        return first + resting.second(drift, diffusion, self.terms.correction)
