"""Responses that were seen once, at rest: main effects estimated from singles and combinations together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.mechanisms.composition import incidence
from pajamo.models.base import Reference
from pajamo.models.flow_parts.acting import measured_shares, weights_of
from pajamo.models.flow_parts.assembly import Regulation
from pajamo.models.flow_parts.fitted_flow import FittedFlow, doses, media_of
from pajamo.models.flow_parts.levels import fit_levels
from pajamo.models.flow_parts.words import Histories
from pajamo.models.salt_ls import SaltLs

Array = NDArray[np.float64]

PER_TIME = 1.0
"""Decay rate of cells that are only seen at rest, where no rate can be told: the unit of time is one decay."""


@dataclass(frozen=True)
class AtRest:
    """What joint main effects say.

    Attributes
    ----------
    effects: Salt-LS, fitted to all training conditions.
    """

    effects: SaltLs

    @classmethod
    def fit(cls, training: TrainingSet, histories: Histories, seed: int) -> tuple[AtRest, FittedFlow]:
        """Estimate main effects, and build the flow that has them as columns."""
        effects = SaltLs(seed=seed)
        effects.fit(training)
        genes = {str(gene): i for i, gene in enumerate(training.genes)}
        media = media_of(histories, training)
        main = effects.effects
        conditions = [Condition((name,), *training.settings[0]) for name in main.names]
        targets = {name: i for i, name in enumerate(main.names)}
        words = [histories.history(condition) for condition in training.conditions]
        weights = weights_of(training.conditions, words, targets, PER_TIME)
        shares = measured_shares(training.conditions, weights, np.ones(len(words)), targets)
        regulation = Regulation.of(
            main.names, main.effects.mean(axis=0), np.sqrt(main.variances(conditions)), genes,
            doses(histories, training), shares,
        )  # fmt: skip
        flow = FittedFlow(
            histories, regulation, tuple(genes), media, fit_levels(training, histories, media, PER_TIME),
            np.zeros((len(media), len(genes))), PER_TIME, 1.0,
        )  # fmt: skip
        return cls(effects), flow

    def law(self, conditions: Sequence[Condition], flow: FittedFlow) -> Array:
        """The sum of main effects: the part of the additive prediction that the flow replaces."""
        main, regulation = self.effects.effects, flow.covering(conditions).regulation
        new = [i for i, name in enumerate(regulation.targets) if name in flow.unseen.names]
        of_new = incidence(conditions, [regulation.targets[i] for i in new])
        held = regulation.effect[new] * regulation.share[new, None]
        return np.asarray(incidence(conditions, main.names) @ main.effects.mean(axis=0) + of_new @ held)

    def with_feedback(self, flow: FittedFlow, gain: float) -> FittedFlow:
        """The flow with this gain, its columns such that singles rest where they were measured."""
        return replace(flow, gain=gain, regulation=flow.regulation.direct(gain) if gain else flow.regulation)

    def respond(self, conditions: Sequence[Condition], flow: FittedFlow) -> tuple[Array, Array]:
        """Mean and variance of each change under the additive law."""
        del flow
        mean, sd = self.effects.respond(conditions)
        return mean, sd**2

    def knows(self, condition: Condition) -> bool:
        """The additive law speaks of every condition."""
        del condition
        return True

    @property
    def pair_scatter(self) -> Array:
        """Variance of a pair's interaction around the sum, shape (genes,)."""
        return self.effects.scatter

    def control(self, conditions: Sequence[Condition], flow: FittedFlow, reference: Reference) -> Array:
        """The control as estimated from all conditions."""
        del flow, reference
        return self.effects.control(conditions)

    def reach(self) -> dict[str, float]:
        """Size of each perturbation's response relative to a typical one."""
        main = self.effects.effects
        sizes = np.sqrt((main.effects**2).mean(axis=(0, 2)))
        typical = max(float(sizes.mean()), np.finfo(float).tiny)
        return {name: float(size / typical) for name, size in zip(main.names, sizes, strict=True)}

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Arrays by name."""
        return {f"rest.{name}": array for name, array in self.effects.state().items()}

    def facts(self) -> dict[str, object]:
        """Names."""
        return dict(self.effects.facts())

    @classmethod
    def restored(
        cls, state: Mapping[str, NDArray[Any]], facts: Mapping[str, Any], reference: Reference
    ) -> AtRest:
        """Read what `state` and `facts` gave."""
        effects = SaltLs()
        effects.reference = reference
        arrays = {k.removeprefix("rest."): np.asarray(v) for k, v in state.items() if k.startswith("rest.")}
        effects.restore(arrays, dict(facts))
        return cls(effects)
