"""A neural ordinary differential equation of expression, along the protocol that the cells went through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pydantic import Field

from pajamo.config import Config
from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.models.base import Array, Card, Learned
from pajamo.models.flow_parts.words import Histories
from pajamo.models.node_parts.building import (
    MOST_GENES,
    Shape,
    fitting_of,
    histories_of,
    networks_of,
    state_space,
)
from pajamo.models.node_parts.fitted import FittedNetworks
from pajamo.models.node_parts.fitting import CANDIDATES, Fitting, Networks, Plan, Terms, Weights
from pajamo.models.node_parts.records import canonical
from pajamo.models.node_parts.resting import Correction, Order
from pajamo.models.node_parts.space import StateSpace
from pajamo.models.parts.scatter import excess_variance
from pajamo.models.registry import register
from pajamo.units import LOG_NORMALISED

CONTROLS, PERTURBED, RATE = "control stationarity", "perturbed stationarity", "relaxation rate"


class NodeSettings(Config):
    """Settings of the neural differential equation."""

    drift: Literal["black-box", "production"] = "black-box"
    """A network of state, edits and medium; or production by a network, which edits multiply, minus decay."""
    space: Literal["auto", "genes", "latent"] = "auto"
    """Whether every gene is a component of the state or principal components are; auto: genes up to 128 of them."""
    components: int = Field(default=20, ge=1)
    """Principal components of a latent space."""
    hidden: int = Field(default=32, ge=1)
    """Hidden units of each network."""
    weights: Literal["validation"] | Weights = "validation"
    """Weights of the stationarity of controls and of perturbed cells, or chosen on perturbations kept aside."""
    order: Order = 1
    """Mean change at rest; 2: covariance of cells, too; "kernel": deviation from stationarity on cells."""
    correction: Correction = "covariance"
    """What removes the bias that noise of means gives to stationarity; "split-half" needs cells."""
    stability: float = Field(default=0.0, ge=0)
    """Weight of the hinge on the leading eigenvalue where controls rest."""
    members: int = Field(default=2, ge=1)
    """Networks whose mean is predicted."""
    steps: int = Field(default=100, ge=1)
    """Steps of the training loop."""


@register
class Node(Learned):
    """dx/dt = f(x; edits, medium), a network, integrated along each condition's history of operations.

    Trained on the means of all conditions and controls by squared errors in units of their noise, what a harvest
    does to all of its cells profiled out, plus weights times the stationarity of controls and of perturbed cells
    (`flows.stationarity.losses`) and a normal prior of the networks' weights. Where unperturbed cells
    change, they are asked to follow their controls instead of resting. Time is measured so that the last measurement
    is at four units; an experiment whose duration is not stated lasts six.
    """

    card = Card(
        name="node",
        title="Neural differential equation",
        reference="Chen et al. 2018, arXiv 1806.07366, with the stationarity terms of Kovacevic et al. 2025, "
        "arXiv 2501.19178; weights by validation and the correction for noise are pajamo's own",
        needs="several measured genes and perturbations; times for rates; cells for order 2 and kernel",
        weights={
            CONTROLS: "weight of the change of controls at rest in the loss, 1",
            PERTURBED: "weight of the change of perturbed cells at the last time in the loss, 1",
            RATE: "slowest rate at which unperturbed cells return to rest, negative if they leave it",
        },
        limits="a black box knows of an unseen perturbation only what all have in common, and may drift beyond the "
        "times it saw; order 2 and kernel take the spread of measured cells for that of their state",
        assumes=frozenset({"same-cells"}),
    )
    Settings = NodeSettings
    learning_rate = 2e-2
    weight_decay = 0.0

    fitted: FittedNetworks
    histories: Histories
    space: StateSpace
    networks: Networks
    plan: Plan
    fitting: Fitting | None = None
    training: TrainingSet | None = None

    def refusal(self, training: TrainingSet, conditions: Sequence[Condition]) -> str | None:
        """Refuse values that are not expression, and losses on cells where none were kept."""
        del conditions
        settings = self._settings
        if training.unit != LOG_NORMALISED or training.n_genes < 2:
            return f"it moves several genes in {LOG_NORMALISED}, not one value a condition"
        every_gene = settings.drift == "production" or settings.space == "genes"
        if settings.order != 1 and every_gene and training.n_genes > MOST_GENES:
            return f"order 2 and kernel follow the covariance of at most {MOST_GENES} genes; take a latent black box"
        if settings.order == 1 and settings.correction != "split-half":
            return None
        few = [c for c in training.conditions if len(training.cells.get(c, ())) < 2 * 2]
        return f"order 2, kernel and split-half need four cells of {few[0]}" if few else None

    def estimate(self, training: TrainingSet) -> None:
        """Lay out coordinates, protocols and data; every network starts from its seed."""
        settings, shape = self._settings, self._shape
        training = canonical(training)
        tried = CANDIDATES if settings.weights == "validation" else (settings.weights,)
        self.plan = Plan.of(tried, settings.members, training.conditions, self.seed)
        self.histories = histories_of(training)
        self.space = state_space(training, shape, self.histories)
        self.networks = networks_of(training, shape, self.space, self.plan, self.seed)
        terms = Terms(settings.order, settings.correction, settings.stability, self.seed)
        self.fitting = fitting_of(training, self.space, self.histories, self.plan, terms)
        self.training = training

    def module(self) -> torch.nn.Module:
        """Networks of every candidate."""
        return self.networks

    @property
    def n_steps(self) -> int:
        """As set."""
        return self._settings.steps

    def loss(self, step: int) -> torch.Tensor:
        """Trajectories and stationarity of all members."""
        assert self.fitting is not None
        return self.fitting.loss(self.networks, step)

    def finish(self) -> None:
        """Keep the members of the best candidate, and measure how far it misses what it did not see."""
        fitting, training = self.fitting, self.training
        assert fitting is not None
        assert training is not None
        errors = fitting.errors_aside(self.networks)
        best = int(np.argmin(errors)) if self.plan.aside else len(errors) - 1
        unseen = self._members(training, [self.plan.unseeing(best)], best)
        aside = [i for i, c in enumerate(training.conditions) if c in self.plan.aside]
        conditions = [training.conditions[i] for i in aside]
        noise = training.variance_of_mean[aside] + training.control_variance_of_mean(conditions)
        residual = training.delta[aside] - unseen.changes(conditions)[0]
        scatter = excess_variance(residual, noise)
        self.fitted = self._members(training, self.plan.whole(best), best).with_scatter(scatter)
        self.fitting = self.training = None

    def respond(self, conditions: Sequence[Condition]) -> tuple[Array, Array]:
        """Mean change over members; their variance, the scatter of what is unseen, and the controls' error."""
        assert self.reference is not None
        order = np.argsort(np.argsort(self.reference.genes.astype(str), kind="stable"))
        each = self.fitted.changes(conditions)
        spread = each.var(axis=0, ddof=1) if len(each) > 1 else np.zeros_like(each[0])
        variance = (spread + self.fitted.scatter)[:, order]
        rows = self.reference.rows(conditions)
        return each.mean(axis=0)[:, order], np.sqrt(variance + self.reference.control_variance[rows])

    def trust(self, conditions: Sequence[Condition]) -> Array:
        """Share of a condition's genes that the drift can tell apart from others."""
        known = self.fitted.known
        return np.array([sum(g in known for g in c.genes) / c.order if c.order else 1.0 for c in conditions])

    def weights(self) -> pd.DataFrame:
        """Weights of the loss, and how fast unperturbed cells come to rest in each medium."""
        rows = [
            (CONTROLS, "loss", self.fitted.weights[0], "1"),
            (PERTURBED, "loss", self.fitted.weights[1], "1"),
            *[(RATE, begin, rate, self.fitted.unit) for begin, rate in self.fitted.relaxation().items()],
        ]
        table = pd.DataFrame(rows, columns=["quantity", "of", "value", "unit"]).assign(se=np.nan)
        return table[["quantity", "of", "value", "se", "unit"]]

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Networks, coordinates, where histories begin, and the scatter."""
        return self.fitted.arrays()

    def facts(self) -> dict[str, object]:
        """Names, protocol and weights."""
        return self.fitted.facts()

    def restore(self, state: dict[str, NDArray[np.generic]], facts: dict[str, object]) -> None:
        """Take back what `state` and `facts` gave."""
        self.fitted = FittedNetworks.restored(state, facts, self._shape)

    @property
    def _settings(self) -> NodeSettings:
        assert isinstance(self.settings, NodeSettings)
        return self.settings

    @property
    def _shape(self) -> Shape:
        settings = self._settings
        return Shape(settings.drift, settings.space, settings.components, settings.hidden)

    def _members(self, training: TrainingSet, members: Sequence[int], candidate: int) -> FittedNetworks:
        weights, drift = self.plan.candidates[candidate], self.networks.drift
        return FittedNetworks.of(training, self._shape, self.space, self.histories, drift, members, weights)
