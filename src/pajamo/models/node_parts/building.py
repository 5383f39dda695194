"""From a training set to networks that can be trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.mechanisms.flows.drift import ProductionDecay
from pajamo.models.flow_parts.words import Histories
from pajamo.models.node_parts.coordinates import Coordinates
from pajamo.models.node_parts.course import Course, in_units, unit_rate
from pajamo.models.node_parts.drifts import BlackBox, ProductionNetwork, Projected
from pajamo.models.node_parts.fitting import Fitting, Networks, Plan, Terms
from pajamo.models.node_parts.records import Records, start_levels
from pajamo.models.node_parts.resting import resting_controls, resting_perturbed
from pajamo.models.node_parts.space import PRECISION, StateSpace
from pajamo.models.parts.own_levels import OwnLevels
from pajamo.models.parts.training_rows import with_rows
from pajamo.protocols.protocol import Protocol

MOST_GENES = 128
"""With more genes than this, `space = "auto"` takes principal components."""


@dataclass(frozen=True)
class Shape:
    """Which network moves which state.

    Attributes
    ----------
    drift, space, components, hidden: as in the settings.
    """

    drift: Literal["black-box", "production"]
    space: Literal["auto", "genes", "latent"]
    components: int
    hidden: int

    def coordinates(self, training: TrainingSet) -> Coordinates:
        """Genes or components; a production network keeps measured targets, on which edits act, as they are."""
        if self.space == "genes" or (self.space == "auto" and training.n_genes <= MOST_GENES):
            return Coordinates.of_genes(training)
        targets = {gene for c in training.conditions for gene in c.genes}
        kept = [i for i, gene in enumerate(training.genes.astype(str)) if gene in targets]
        own = kept if self.drift == "production" else []
        return Coordinates.of_responses(training, self.components, own)

    def network(
        self, space: StateSpace, size: float, members: int, seed: int, repeats: int = 1
    ) -> torch.nn.Module:
        """Untrained networks of all members, `repeats` blocks of them alike."""
        if self.drift == "black-box":
            sizes = (space.size, len(space.targets), len(space.media), self.hidden)
            return BlackBox(members, sizes, seed, repeats)
        centre, encode, decode = space.coordinates.tensors(PRECISION)
        made = ProductionNetwork(members, centre, size, (len(space.media), self.hidden), seed, repeats)
        drift = ProductionDecay(made, torch.ones(members * repeats, 1, len(centre)))
        return drift if space.every_gene else Projected(drift, encode, decode)


def histories_of(training: TrainingSet) -> Histories:
    """The protocol; where the study has none, edits that act as far as perturbed genes' own levels say at the end."""
    histories = Histories.of(training)
    if training.protocol is not None:
        return histories
    last = max(c.time for c in training.conditions)
    own = OwnLevels.of(with_rows(training, [i for i, c in enumerate(training.conditions) if c.time == last]))
    unit = histories.protocol.time_unit
    if own.share < 0:
        return Histories(Protocol.plain(unit, kind="crispri", strength=-own.share))
    if own.step > 0:
        level = dict(zip(training.genes.astype(str), training.controls.mean.mean(axis=0), strict=True))
        typical = float(np.mean([level[gene] for gene in own.changes]))
        return Histories(Protocol.plain(unit, kind="crispra", strength=own.step / max(typical, own.step)))
    return histories


def state_space(training: TrainingSet, shape: Shape, histories: Histories) -> StateSpace:
    """Names and coordinates of the state."""
    return StateSpace(
        shape.coordinates(training),
        shape.drift == "production",
        tuple(training.genes.astype(str)),
        tuple(sorted({gene for c in training.conditions for gene in c.genes})),
        histories.media([*training.conditions, *controls_of(training)]),
    )


def controls_of(training: TrainingSet) -> list[Condition]:
    """The control of every setting."""
    return [Condition((), *setting) for setting in training.settings]


def begins_of(training: TrainingSet, histories: Histories) -> tuple[str, ...]:
    """Every state in which histories begin."""
    return tuple(sorted({histories.begin(c) for c in controls_of(training)}))


def fitting_of(
    training: TrainingSet, space: StateSpace, histories: Histories, plan: Plan, terms: Terms
) -> Fitting:
    """The loss: protocols laid out, data in coordinates, cells at rest."""
    controls, begins = controls_of(training), begins_of(training, histories)
    conditions = [*training.conditions, *controls]
    made = [histories.history(c) if c.genes else histories.control(c) for c in conditions]
    rate = unit_rate(made)
    at = [begins.index(histories.begin(c)) for c in conditions]
    course = Course.of([in_units(h, rate) for h in made], at, len(begins), space.intervene)
    start = torch.tensor(space.state(start_levels(training, histories, begins)), dtype=PRECISION)
    resting = (
        resting_controls(training, space, histories, rate),
        resting_perturbed(training, space, histories, rate),
    )
    return Fitting(plan, space, Records.of(training, space, histories), course, start, resting, terms)


def networks_of(training: TrainingSet, shape: Shape, space: StateSpace, plan: Plan, seed: int) -> Networks:
    """Untrained networks, the same for all candidates; cells diffuse as if they relaxed at a rate of one."""
    drift = shape.network(space, response_size(training), plan.block, seed, len(plan.candidates))
    spread = space.variances(training.pooled_variance) + np.finfo(np.float32).eps
    return Networks(drift, plan.total, torch.tensor(2.0 * spread, dtype=PRECISION))


def response_size(training: TrainingSet) -> float:
    """Root mean square change in training, ln(1 + CP10K); one where nothing changed."""
    return float(np.sqrt((training.delta**2).mean())) or 1.0
