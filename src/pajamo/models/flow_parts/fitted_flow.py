"""A flow with known columns, levels and decay: what `dynamics` runs protocols through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.errors import ModelError, nearest, shorten
from pajamo.mechanisms.flows.intervention import dose_of
from pajamo.mechanisms.flows.regulators import RegulatorFlow
from pajamo.mechanisms.flows.trajectory import Flow
from pajamo.models.flow_parts.acting import weights_of
from pajamo.models.flow_parts.assembly import Regulation, Space, changes, runner, states
from pajamo.models.flow_parts.words import Histories
from pajamo.models.parts.unseen_response import UnseenResponse
from pajamo.protocols.protocol import Protocol

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FittedFlow:
    """A drift in numbers, and the words that conditions have gone through.

    Attributes
    ----------
    histories: what cells of any condition went through.
    regulation: columns of the perturbed genes.
    genes, media: names, in the order of the arrays.
    levels, common: level of unperturbed cells, and response to any edit, by medium; shape (media, genes).
    decay: rate at which levels follow production, per unit of time.
    own_share: share of its production that a target without a column loses in its own transcript.
    gain: of the feedback through transcripts.
    unseen: columns of genes that were never perturbed, where vectors of genes say something of them.
    """

    histories: Histories
    regulation: Regulation
    genes: tuple[str, ...]
    media: tuple[str, ...]
    levels: Array
    common: Array
    decay: float
    own_share: float
    gain: float = 0.0
    unseen: UnseenResponse = field(default_factory=lambda: UnseenResponse.nothing(0))

    @property
    def space(self) -> Space:
        """Names behind the numbers."""
        return Space(
            {gene: i for i, gene in enumerate(self.genes)},
            {medium: i for i, medium in enumerate(self.media)},
            {target: i for i, target in enumerate(self.regulation.targets)},
        )

    @property
    def drift(self) -> RegulatorFlow:
        """dx/dt, with its weights."""
        flow = self.regulation.flow(self.levels, self.common, self.decay, self.own_share)
        with torch.no_grad():
            flow.gain.fill_(self.gain)
        return flow

    def runner(self) -> Flow:
        """What is needed to run words through it."""
        return runner(self.drift, self.space)

    def with_gain(self, gain: float) -> FittedFlow:
        """The same with another feedback."""
        return replace(self, gain=gain)

    def covering(self, conditions: Sequence[Condition]) -> FittedFlow:
        """The flow with a column for each perturbed gene of which vectors of genes say one."""
        asked = {gene for condition in conditions for gene in condition.genes}
        new = sorted(asked & set(self.unseen.names))
        if not new:
            return self
        return replace(self, regulation=self.regulation.with_columns(new, self.unseen.of(new)))

    def changes(self, conditions: Sequence[Condition]) -> Array:
        """Change of each condition against its control along its protocol, ln(1 + CP10K), (conditions, genes)."""
        self.require_media(conditions)
        flow = self.covering(conditions)
        drift = flow.drift
        with torch.no_grad():
            found = changes(drift, flow.space, drift.levels, self.histories, conditions)
        return np.asarray(found.numpy())

    def controls(self, conditions: Sequence[Condition]) -> Array:
        """Level of unperturbed cells of each condition's setting, ln(1 + CP10K), shape (conditions, genes)."""
        self.require_media(conditions)
        drift, matched = self.drift, [condition.control for condition in conditions]
        words = [self.histories.control(condition) for condition in matched]
        begins = [self.histories.begin(condition) for condition in matched]
        with torch.no_grad():
            found = states(drift, self.space, drift.levels, words, begins)
        return np.asarray(found.numpy())

    def weights(self, conditions: Sequence[Condition]) -> Array:
        """Share of its lasting effect that each target's edit has come to, shape (conditions, targets)."""
        histories = [self.histories.history(condition) for condition in conditions]
        return weights_of(conditions, histories, self.space.targets, self.decay)

    def require_media(self, conditions: Sequence[Condition]) -> None:
        """Refuse conditions whose cells were in a medium, or began in a state, that no control was seen in.

        Raises
        ------
        ModelError: naming it.
        """
        unknown = sorted(set(self.histories.media(conditions)) - set(self.media))
        if unknown:
            raise ModelError(
                f"the flow has no level of unperturbed cells in {shorten(map(repr, unknown))}",
                why="no control of the training data was there",
                fix=f"{nearest(unknown[0], self.media)}it knows {shorten(map(repr, self.media))}",
            )

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Arrays by name."""
        own = {"levels": self.levels, "common": self.common}
        parts = own | self.regulation.state() | self.unseen.state()
        return {f"flow.{name}": array for name, array in parts.items()}

    def facts(self) -> dict[str, object]:
        """Names and scalars."""
        return {
            "targets": list(self.regulation.targets),
            "media": list(self.media),
            "decay": self.decay,
            "own_share": self.own_share,
            "gain": self.gain,
            "unseen": self.unseen.facts(),
            "onset": self.histories.onset,
            "protocol": self.histories.protocol.to_dict(),
            "origin": None if self.histories.origin is None else self.histories.origin.to_dict(),
        }

    @classmethod
    def restored(
        cls, state: Mapping[str, NDArray[Any]], facts: Mapping[str, Any], genes: Sequence[str]
    ) -> FittedFlow:
        """Read what `state` and `facts` gave."""
        arrays = {k.removeprefix("flow."): np.asarray(v) for k, v in state.items() if k.startswith("flow.")}
        origin = None if facts["origin"] is None else Protocol.from_dict(facts["origin"])
        histories = Histories(Protocol.from_dict(facts["protocol"]), float(facts["onset"]), origin)
        regulation = Regulation.restored(arrays, facts["targets"])
        return cls(
            histories, regulation, tuple(genes), tuple(facts["media"]), arrays["levels"], arrays["common"],
            float(facts["decay"]), float(facts["own_share"]), float(facts["gain"]),
            UnseenResponse.restored(arrays, facts.get("unseen"), len(genes)),
        )  # fmt: skip


def doses(histories: Histories, training: TrainingSet) -> dict[str, float]:
    """Dose of each target's edit in the training set."""
    found = {}
    for condition in training.conditions:
        for _, word in histories.history(condition).branches:
            found |= {edit.target: dose_of(edit) for segment in word for edit in segment.edits}
    return found


def media_of(histories: Histories, training: TrainingSet) -> tuple[str, ...]:
    """Every medium of a training set, those of controls without perturbations included."""
    return histories.media(
        [*training.conditions, *(Condition((), *setting) for setting in training.settings)]
    )
