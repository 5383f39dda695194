"""Dynamics: production under edits, minus decay, along the protocol that the cells went through."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from pajamo.config import Config
from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.errors import PajamoWarning
from pajamo.models.base import Array, Card, Model
from pajamo.models.flow_parts.at_rest import AtRest
from pajamo.models.flow_parts.feedback import best_gain
from pajamo.models.flow_parts.fitted_flow import FittedFlow
from pajamo.models.flow_parts.flow_alone import FlowAlone
from pajamo.models.flow_parts.flow_table import flow_table
from pajamo.models.flow_parts.in_time import InTime
from pajamo.models.flow_parts.readings import FlowReadings
from pajamo.models.flow_parts.words import Histories
from pajamo.models.parts.unseen_response import UnseenResponse
from pajamo.models.registry import register
from pajamo.protocols.protocol import Protocol
from pajamo.units import LOG_NORMALISED

GAINS = (0.0, 0.05, 0.1, 0.2, 0.4)
"""Gains of the feedback that are tried."""


class DynamicsSettings(Config):
    """Settings of dynamics."""

    feedback: float | Literal["validation"] = Field(default="validation")
    """Gain with which regulators follow their own transcripts, or chosen on training conditions kept aside."""


@register
class Dynamics(FlowReadings, Model):
    """dx/dt = decay (made(x; edits, medium) - x), run through each condition's protocol.

    What an edit makes of production is one column a perturbed gene. Where cells were harvested several times, columns
    come from a linear law of responses in time (`ResponsePrior`); where they were seen once, at rest, from the joint
    main effects of Salt-LS. The flow adds what neither says: levels do not fall below zero, media and the order of
    operations matter, a regulator whose own transcript moves acts on its targets as far as the gain says, and a
    combination comes to the rest point of all its edits.

    With an embedding of genes, one that was never perturbed has the column that its vector says, where vectors
    predict columns that they did not see (`UnseenResponse`).
    """

    card = Card(
        name="dynamics",
        title="Dynamics: production and decay",
        reference="semi-mechanistic framework of Kovacevic et al. 2025, arXiv 2501.19178: a flow with rest points; "
        "its estimation by marginal likelihood is pajamo's own",
        needs="controls and single perturbations; times, and the protocol, where there are several",
        weights={
            "column": "change of a gene's production under one edit, in units of its level, ln(1 + CP10K)",
            "decay": "rate at which levels follow production, 1 / unit of time; not a half-life of molecules",
            "onset": "delay between delivery and effect, unit of time",
            "gain": "activity of a regulator per relative change of its own transcript, 1",
            "reach": "size of a perturbation's response relative to a typical one, 1",
        },
        limits="one decay rate for all genes; a gene that was never perturbed has a column only where vectors of "
        "genes predict columns, else its knockout gets the common response and the loss of its own transcript; "
        "feedback only where it improves predictions",
        assumes=frozenset({"unique-attractor", "no-medium-response"}),
    )
    Settings = DynamicsSettings
    takes_embedding = True

    flow: FittedFlow
    law: InTime | AtRest | FlowAlone

    def refusal(self, training: TrainingSet, conditions: Sequence[Condition]) -> str | None:
        """A screen without singles, or values that are not expression."""
        del conditions
        if training.unit != LOG_NORMALISED:
            return f"it needs levels in {LOG_NORMALISED}, not {training.unit}"
        if not len(training.of_order(1)):
            return "the training set has no single perturbation to read a column from"
        return None

    def estimate(self, training: TrainingSet) -> None:
        """Fit the law of responses, the levels of each medium, and the gain."""
        asked = self.settings.feedback
        gain = best_gain(self._predicted, training, GAINS) if asked == "validation" else float(asked)
        law, flow = self._fit(training)
        self.law, self.flow = law, law.with_feedback(flow, gain)

    def respond(self, conditions: Sequence[Condition]) -> tuple[Array, Array]:
        """Change along each condition's protocol, and its standard deviation."""
        mean, variance = self.law.respond(conditions, self.flow)
        return self._corrected(conditions, mean, self.flow), np.sqrt(variance)

    def control(self, conditions: Sequence[Condition]) -> Array:
        """The control as estimated from everything that it was compared with.

        At times without a control, where the screen has times: the flow's own unperturbed cells.
        """
        assert self.reference is not None
        return self.law.control(conditions, self.flow, self.reference)

    def under(self, protocol: Protocol) -> Dynamics:
        """The same fitted flow run through another protocol: steps swapped, a wash, edits one after the other.

        What the data said of responses under their own protocol does not carry over: there the flow alone speaks,
        for the control as well. `model.under(model.protocol.swapped(0, 1)).predict(conditions)`. Edits of another
        dose act in proportion; a delay that the data suggested is kept unless the new protocol states one.

        Raises
        ------
        ModelError: (when it predicts) cells are in a medium that no training control was in.
        """
        moved = Dynamics(self.settings, seed=self.seed)
        moved.reference = self.reference
        moved.flow = replace(self.flow, histories=self.flow.histories.moved(protocol))
        moved.law = FlowAlone(self.law.fitted if isinstance(self.law, FlowAlone) else self.law)
        return moved

    @property
    def protocol(self) -> Protocol:
        """What cells are taken to have gone through."""
        return self.flow.histories.protocol

    def trust(self, conditions: Sequence[Condition]) -> Array:
        """Share of a condition's genes that were perturbed in training, in any setting."""
        known = [
            sum(gene in self.flow.space.targets for gene in c.genes) / max(c.order, 1) for c in conditions
        ]
        return np.array(known, dtype=float)

    def _fit(self, training: TrainingSet) -> tuple[InTime | AtRest, FittedFlow]:
        law, flow = self._laid_down(training, Histories.of(training))
        regulation = flow.regulation
        unseen = UnseenResponse.fit(training.embedding, regulation.targets[:-1], regulation.effect[:-1])
        return law, replace(flow, unseen=unseen)

    def _laid_down(self, training: TrainingSet, histories: Histories) -> tuple[InTime | AtRest, FittedFlow]:
        if any(time > 0 for _, time in training.settings):
            return InTime.fit(training, histories)
        return AtRest.fit(training, histories, self.seed)

    def _corrected(self, conditions: Sequence[Condition], mean: Array, flow: FittedFlow) -> Array:
        """The law's mean, its linear part replaced by the flow's, for conditions that the law speaks of."""
        known = np.array([self.law.knows(condition) for condition in conditions], dtype=bool)
        if not known.any() or (flow.gain == 0 and not isinstance(self.law, AtRest)):
            return mean
        asked = [c for c, is_known in zip(conditions, known, strict=True) if is_known]
        mean[known] += flow.changes(asked) - self.law.law(asked, flow)
        return mean

    def _predicted(
        self, training: TrainingSet, conditions: Sequence[Condition], gains: Sequence[float]
    ) -> Array:
        law, flow = self._fit(training)
        self.law = law
        flows = [law.with_feedback(flow, gain) for gain in gains]
        with warnings.catch_warnings():
            # a gain under which cells do not rest is only tried here
            warnings.simplefilter("ignore", PajamoWarning)
            return np.array([self._corrected(conditions, law.respond(conditions, at)[0], at) for at in flows])

    def weights(self) -> pd.DataFrame:
        """Decay, onset, gain, the reach of each perturbation, and every column with its error."""
        assert self.reference is not None
        return flow_table(self.flow, self.law.reach(), self.reference.unit)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Arrays of the flow and of the law."""
        return self.flow.state() | self.law.state()

    def facts(self) -> dict[str, object]:
        """Names, and which law."""
        moved = isinstance(self.law, FlowAlone)
        fitted = self.law.fitted if isinstance(self.law, FlowAlone) else self.law
        kind = "time" if isinstance(fitted, InTime) else "rest"
        return {"kind": kind, "moved": moved, "flow": self.flow.facts(), "law": self.law.facts()}

    def restore(self, state: dict[str, NDArray[np.generic]], facts: dict[str, Any]) -> None:
        """Take back what `state` and `facts` gave."""
        assert self.reference is not None
        genes = [str(gene) for gene in self.reference.genes]
        self.flow = FittedFlow.restored(state, facts["flow"], genes)
        fitted = (
            InTime.restored(state, facts["law"], self.flow.histories)
            if facts["kind"] == "time"
            else AtRest.restored(state, facts["law"], self.reference)
        )
        self.law = FlowAlone(fitted) if facts["moved"] else fitted
