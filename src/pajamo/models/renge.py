"""RENGE: effects of a perturbation travel along a network, hop by hop, as time goes on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pydantic import Field

from pajamo.config import Config
from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.models.base import Array, Card, Learned
from pajamo.models.parts.measured_hops import MeasuredHops
from pajamo.models.parts.network_hops import Inputs, NetworkHops, regulators_of, time_scale
from pajamo.models.parts.own_levels import OwnLevels, kept_production
from pajamo.models.parts.scatter import excess_variance
from pajamo.models.parts.training_rows import order_of, with_rows
from pajamo.models.registry import register

STRENGTHS = (1e-3, 5e-3, 2.5e-2)
"""Strengths of the penalty that are tried, in the unit of the original's C."""
FOLDS = 5
"""One condition in so many is set aside to choose among them."""
PLAUSIBLE = 2.0
"""Standard errors by which a control may be off."""
EFFECT, DELAY, ONSET, HOP = "network effect", "delay", "onset", "hop delay"


class RengeSettings(Config):
    """Settings of RENGE."""

    hops: int = Field(default=3, ge=1)
    """Longest path along which an effect travels."""
    lasso: float = Field(default=0.3, ge=0, le=1)
    """Share of the penalty on absolute values; the rest is on squares of the network and of its powers."""
    steps: int = Field(default=300, ge=1)
    """Steps of the training loop."""
    most_regulators: int = Field(default=200, ge=1)
    """With more genes than this, only perturbed genes regulate."""


@register
class Renge(Learned):
    """Delta(A, t) = sum over a in A and k of w_a(t, k) A (M A)^k X_a; see `pajamo.models.parts.network_hops`.

    X is the loss of the target's level (a knockout, CRISPRi as far as it goes) or what was measured to be gained
    (CRISPRa); the protocol decides where there is one, else whether targets fall. Fitted to means, not cells,
    weighted by cells and at each time alike, as in the original. The strength of the penalty has the smallest
    error on a fifth of the conditions, set aside. The network says nothing of a target's own level, which is
    predicted as it was measured at other times. The error of each control is a parameter.
    """

    card = Card(
        name="renge",
        title="RENGE: a network whose effects spread with time",
        reference="Ishikawa et al. 2023, Communications Biology 6:1290, eqs. 1-3",
        needs="perturbations of measured genes; several times, else only the steady part is learned",
        weights={
            EFFECT: "change of a gene per unit change of a regulator, one hop, fully on, 1",
            DELAY: "log-odds that the first hop has taken place in the middle of the times, 1",
            ONSET: "growth of these log-odds with time, per unit of time",
            HOP: "loss of these log-odds with each further hop, 1",
        },
        limits="linear in the perturbed gene's level, which must be measured; paths of a few hops; controls do "
        "not respond to the medium but for their mean at each time",
        assumes=frozenset(
            {"linear", "instantaneous-edit", "complete-editing", "no-medium-response", "order-free"}
        ),
    )
    Settings = RengeSettings

    names: tuple[str, ...]
    regulators: tuple[str, ...]
    strength: dict[str, float]
    times: tuple[float, float]
    levels: OwnLevels
    chosen: int
    scatter: Array
    network: NetworkHops
    means: MeasuredHops | None = None

    def refusal(self, training: TrainingSet, conditions: Sequence[Condition]) -> str | None:
        """Refuse a screen of one time, and one in which no perturbed gene was measured, or nothing else was."""
        del conditions
        if len({c.time for c in training.conditions}) < 2:
            return "one time says nothing of how far effects have travelled along the network"
        targets = {gene for c in training.conditions for gene in c.genes}
        if training.n_genes > 1 and targets & set(training.genes.astype(str)):
            return None
        return "no perturbed gene is among several measured ones, so that no effect can start in the network"

    def estimate(self, training: TrainingSet) -> None:
        """Set up inputs, weights, and the conditions that are set aside; every weight starts at zero."""
        genes = list(training.genes.astype(str))
        self.names = tuple(sorted({g for c in training.conditions for g in c.genes} & set(genes)))
        self.regulators = tuple(regulators_of(genes, self.names, self._settings.most_regulators))
        self.times = time_scale([c.time for c in training.conditions])
        self.levels = OwnLevels.of(training)
        self._set_strengths(training)
        self._build(genes, len(training.settings))
        rows = order_of(training)
        inputs = self._inputs([training.conditions[row] for row in rows])
        self.means = MeasuredHops.of(with_rows(training, rows), inputs, FOLDS, self.seed)
        self.chosen, self.scatter = 0, np.zeros(len(genes))

    def module(self) -> torch.nn.Module:
        """For each strength a member that sees all conditions, and one that does not see those set aside."""
        return self.network

    @property
    def n_steps(self) -> int:
        """As set."""
        return self._settings.steps

    def loss(self, step: int) -> torch.Tensor:
        """Weighted squared error and penalties, summed over members; a target's own level does not count."""
        del step
        assert self.means is not None
        absolute, squares = self.network.penalties()
        lasso = self._settings.lasso
        strength = torch.tensor(STRENGTHS, dtype=torch.float64).repeat(2)
        penalty = strength * (lasso * absolute + (1.0 - lasso) * squares)
        return (self.means.squared_error(self.network) + penalty).sum()

    def finish(self) -> None:
        """Take the strength with the smallest error on the conditions set aside, and measure the scatter there."""
        assert self.means is not None
        left, noise, weight = self.means.aside(self.network)
        errors = (weight[:, None] * left**2).sum(axis=(1, 2))
        self.chosen = int(np.argmin(errors)) if len(noise) else len(STRENGTHS) // 2
        self.scatter = excess_variance(left[self.chosen], noise)
        self.means = None

    def respond(self, conditions: Sequence[Condition]) -> tuple[Array, Array]:
        """What the network carries, and targets' own changes; errors from conditions set aside, and controls."""
        assert self.reference is not None
        with torch.no_grad():
            delta = self.network(self._inputs(conditions))[self.chosen].numpy().copy()
        rows = self.reference.rows(conditions)
        level = self.reference.control[rows]
        self.levels.write(delta, conditions, list(self.reference.genes.astype(str)), level)
        beyond = self._offset()[rows] - self._error(rows)
        return delta - beyond, np.sqrt(self.scatter + self.reference.control_variance[rows])

    def control(self, conditions: Sequence[Condition]) -> Array:
        """Measured control of each condition's setting, its estimated error taken off."""
        assert self.reference is not None
        return super().control(conditions) - self._error(self.reference.rows(conditions))

    def trust(self, conditions: Sequence[Condition]) -> Array:
        """Share of a condition's genes that were perturbed in training and measured."""
        return np.array([sum(g in self.names for g in c.genes) / max(c.order, 1) for c in conditions])

    def weights(self) -> pd.DataFrame:
        """The network, and its delays."""
        assert self.reference is not None
        network, genes = self.adjacency(), self.reference.genes.astype(str).to_numpy(dtype=object)
        onset, hop = (float(rate) for rate in self.network.rates[self.chosen].detach())
        of = (
            np.repeat(np.array(self.regulators, dtype=object), len(genes))
            + " on "
            + np.tile(genes, len(self.regulators))
        )
        tables = [
            pd.DataFrame({"quantity": EFFECT, "of": of, "value": network.T.ravel(), "unit": "1"}),
            pd.DataFrame(
                {
                    "quantity": DELAY,
                    "of": self.names,
                    "value": self.network.alpha[self.chosen].detach().numpy(),
                    "unit": "1",
                }
            ),
            pd.DataFrame(
                {
                    "quantity": [ONSET, HOP],
                    "of": ["all genes", "all genes"],
                    "value": [onset / self.times[1], hop],
                    "unit": ["per unit of time", "1"],
                }
            ),
        ]
        return pd.concat(tables, ignore_index=True).assign(se=np.nan)[
            ["quantity", "of", "value", "se", "unit"]
        ]

    def adjacency(self) -> Array:
        """A: effect of each regulator (columns) on each gene (rows) over one hop."""
        return np.asarray(self.network.network[self.chosen].detach().numpy())

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Weights of all members, and the scatter."""
        arrays = {name: value.detach().numpy() for name, value in self.network.named_parameters()}
        return {**arrays, "scatter": self.scatter}

    def facts(self) -> dict[str, object]:
        """Names, inputs and the chosen member."""
        return {
            "names": list(self.names),
            "regulators": list(self.regulators),
            "strength": self.strength,
            "times": list(self.times),
            "levels": self.levels.facts(),
            "chosen": self.chosen,
        }

    def restore(self, state: dict[str, NDArray[np.generic]], facts: dict[str, object]) -> None:
        """Take back what `state` and `facts` gave."""
        names, regulators, strength, times = (facts[k] for k in ("names", "regulators", "strength", "times"))
        assert isinstance(names, list)
        assert isinstance(regulators, list)
        assert isinstance(strength, dict)
        assert isinstance(times, list)
        assert self.reference is not None
        self.names, self.regulators, self.strength = tuple(names), tuple(regulators), strength
        self.times, self.levels = (times[0], times[1]), OwnLevels.restored(facts["levels"])
        self.chosen, self.scatter = int(str(facts["chosen"])), np.asarray(state["scatter"], dtype=float)
        self._build(list(self.reference.genes.astype(str)), len(self.reference.settings))
        with torch.no_grad():
            for name, value in self.network.named_parameters():
                value.copy_(torch.from_numpy(np.array(state[name])))

    @property
    def _settings(self) -> RengeSettings:
        assert isinstance(self.settings, RengeSettings)
        return self.settings

    def _build(self, genes: list[str], settings: int) -> None:
        at = torch.tensor([genes.index(gene) for gene in self.regulators], dtype=torch.long)
        members = 2 * len(STRENGTHS)
        self.network = NetworkHops(members, len(genes), at, len(self.names), settings, self._settings.hops)

    def _inputs(self, conditions: Sequence[Condition]) -> Inputs:
        assert self.reference is not None
        genes, regulators, names = (
            {gene: i for i, gene in enumerate(group)}
            for group in (self.reference.genes.astype(str), self.regulators, self.names)
        )
        return Inputs.of(conditions, genes, regulators, names, self.strength, self.times)

    def _set_strengths(self, training: TrainingSet) -> None:
        """X of each regulator: what perturbing it takes off or adds to its level, averaged over controls."""
        cells = np.maximum(training.controls.n_cells, 1)
        level = dict(
            zip(training.genes.astype(str), cells @ training.controls.mean / cells.sum(), strict=True)
        )
        kept = kept_production(training.protocol, self.regulators, training.settings[0])
        self.strength = {}
        for gene in self.regulators:
            gained = self.levels.change(gene, level[gene]) if self.levels.step > 0 else -level[gene]
            share = kept.get(gene, 1.0) - 1.0
            self.strength[gene] = float(share * level[gene] if share else gained)

    def _offset(self) -> Array:
        """What each control's measured mean has too much, shape (settings, genes)."""
        return np.asarray(self.network.offset[self.chosen].detach().numpy())

    def _error(self, rows: NDArray[np.intp]) -> Array:
        """The same within what the control's cells make plausible, shape (conditions, genes)."""
        assert self.reference is not None
        bound = PLAUSIBLE * np.sqrt(self.reference.control_variance)
        return np.clip(self._offset(), -bound, bound)[rows]
