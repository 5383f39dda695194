"""Linear structural causal model at steady state, cycles allowed: edits replace equations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from pajamo.config import Config
from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.models.base import Array, Card
from pajamo.models.parts.linear_network import LinearNetwork, response_to_held
from pajamo.models.parts.network_penalty import (
    average_response,
    chosen_penalty,
    network_data,
    own_columns,
)  # fmt: skip
from pajamo.models.parts.own_levels import HARD, OwnLevels, kept_production, target_columns
from pajamo.models.parts.scatter import proportional_excess
from pajamo.models.parts.shrinkage import chosen_noise
from pajamo.models.parts.singles import INTERACTION_SD, MAIN_EFFECT
from pajamo.models.registry import register
from pajamo.models.salt_ls import SumOfEffects, out_of_fold

DIRECT, OWN_CHANGE, PENALTY = "direct effect", "own change", "penalty"


class LinearScmSettings(Config):
    """Settings of the linear structural causal model."""

    folds: int = Field(default=5, ge=2)
    """Folds of perturbed genes that choose the network's penalty, and of combinations that choose the shrinkage of
    main effects and give the scatter."""


@register
class LinearScm(SumOfEffects):
    """x = W x + b + sum over a in A of shift(a); targets that were measured follow their edit instead.

    A target is held at the level that was measured for it, whatever brought it there (a hard intervention on the
    observed level), unless the protocol says that the edit scales its production or adds to it. What W does not
    explain of a single is its shift, so that singles are as Salt-LS estimates them, and a target that was not
    measured acts through its shift alone. For a combination with targets S this gives the sum of the singles plus

        T_.S [kept + (1 - kept) T_SS]^-1 (kept - 1) y_S,    T = (I - W)^-1,

    where y_S is what the singles of the others do to each target: held levels do not move, nor does what would
    have followed. For targets without shifts this is the set-knockout formula. A measured gene that was never
    perturbed takes its column of T and the mean shift.
    """

    card = Card(
        name="linear-scm",
        title="Linear causal model at steady state",
        reference="cyclic linear structural causal model, Hyttinen et al. 2012, J. Mach. Learn. Res. 13:3387, "
        "with regression calibration, Carroll et al. 2006",
        needs="controls and perturbed genes that are among the genes measured; for a network, more "
        "perturbations than programmes",
        weights={
            MAIN_EFFECT: "change of a measured gene's mean when one gene is perturbed, shrunken, ln(1 + CP10K)",
            INTERACTION_SD: "how far training combinations lie from the law, per gene, ln(1 + CP10K)",
            DIRECT: "change of a gene per unit change of its regulator, all others held, 1",
            OWN_CHANGE: "change at which a perturbed gene's own level is held, ln(1 + CP10K)",
            PENALTY: "ridge penalty on W in units of the mean squared change, 1",
        },
        limits="one state of rest near the control's; linear on the logarithmic scale; with fewer perturbations "
        "than genes W is one of many that fit, chosen small",
        assumes=frozenset(
            {"stationary-baseline", "unique-attractor", "at-rest", "linear", "order-free", "complete-editing"}
        ),
    )
    Settings = LinearScmSettings

    network: LinearNetwork
    levels: OwnLevels
    kept: dict[str, float]
    average: Array
    penalty: float
    support: float

    def refusal(self, training: TrainingSet, conditions: Sequence[Condition]) -> str | None:
        """Refuse where no perturbed gene was measured, or nothing else was."""
        del conditions
        targets = {gene for c in training.conditions for gene in c.genes}
        if training.n_genes > 1 and targets & set(training.genes.astype(str)):
            return None
        return "no perturbed gene is among several measured ones, so that there is no equation that an edit replaces"

    def estimate(self, training: TrainingSet) -> None:
        """Main effects; the network, its penalty chosen on perturbed genes left out; the scatter."""
        settings = self.settings
        assert isinstance(settings, LinearScmSettings)
        noise = chosen_noise(training, settings.folds, self.seed)
        self.estimate_effects(training, noise)
        names = [*training.genes.astype(str), *self.effects.names]
        self.kept = kept_production(training.protocol, sorted(set(names)), training.settings[0])
        self.penalty, self.support = chosen_penalty(training, settings.folds, self.seed)
        self._fit_network(training)
        residual, variance, size = out_of_fold(training, noise, settings.folds, self.seed)
        combined = sorted(c for c in training.conditions if c.order > 1)
        residual = residual - self._corrections(combined)
        self.share_squared, self.scatter = proportional_excess(residual, variance, size)

    def sums(self, conditions: Sequence[Condition]) -> Array:
        """Level plus effects; what the network says of unseen genes and of targets that are held."""
        return np.asarray(super().sums(conditions) + self._unseen(conditions) + self._corrections(conditions))

    def respond(self, conditions: Sequence[Condition]) -> tuple[Array, Array]:
        """The edited equations' solution; errors from cells, shrinkage and interactions."""
        return self.change(conditions, self.sums(conditions)), np.sqrt(self.variance_of_sums(conditions))

    def trust(self, conditions: Sequence[Condition]) -> Array:
        """1 for genes that were perturbed; for others the share that the network explains, 0 if not measured."""
        assert self.reference is not None
        own = dict.fromkeys(self.reference.genes.astype(str), self.support) | dict.fromkeys(
            self.effects.names, 1.0
        )
        return np.array([min((own.get(g, 0.0) for g in c.genes), default=1.0) for c in conditions])

    def weights(self) -> pd.DataFrame:
        """Main effects, scatter, direct effects of perturbed genes, own changes, and the penalty."""
        assert self.reference is not None
        genes, unit = self.reference.genes.astype(str).to_numpy(), self.reference.unit
        held = list(self.levels.changes)
        (columns,) = target_columns([Condition(tuple(held))], list(genes))
        direct = self.network.weights(columns)
        regulators = np.repeat(genes[columns].astype(object), len(genes))
        tables = [
            super().weights(),
            pd.DataFrame(
                {
                    "quantity": DIRECT,
                    "of": regulators + " on " + np.tile(genes.astype(object), len(columns)),
                    "value": direct.T.ravel(),
                    "se": np.nan,
                    "unit": "1",
                }
            ),
            pd.DataFrame(
                {
                    "quantity": OWN_CHANGE,
                    "of": held,
                    "value": list(self.levels.changes.values()),
                    "se": np.sqrt(list(self.levels.variances.values())),
                    "unit": unit,
                }
            ),
            pd.DataFrame(
                [{"quantity": PENALTY, "of": "W", "value": self.penalty, "se": np.nan, "unit": "1"}]
            ),
        ]
        return pd.concat(tables, ignore_index=True)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Effects and network."""
        network = {f"network.{name}": array for name, array in vars(self.network).items()}
        return super().state() | network | {"network.average": self.average}

    def facts(self) -> dict[str, object]:
        """Names, own changes and edits."""
        own = {
            "levels": self.levels.facts(),
            "kept": self.kept,
            "penalty": self.penalty,
            "support": self.support,
        }
        return {**super().facts(), **own}

    def restore(self, state: dict[str, NDArray[np.generic]], facts: dict[str, object]) -> None:
        """Take back what `state` and `facts` gave."""
        super().restore(state, facts)
        arrays = {name: np.asarray(array, dtype=float) for name, array in state.items()}
        self.network = LinearNetwork(*(arrays[f"network.{name}"] for name in ("left", "right", "own")))
        self.average = arrays["network.average"]
        self.levels = OwnLevels.restored(facts["levels"])
        self.penalty, self.support = float(str(facts["penalty"])), float(str(facts["support"]))
        kept = facts["kept"]
        assert isinstance(kept, dict)
        self.kept = kept

    def _fit_network(self, training: TrainingSet) -> None:
        self.levels = OwnLevels.of(training)
        self.network = network_data(training).fit(self.penalty)
        self.average = average_response(self.network, self.levels, list(training.genes.astype(str)))

    def _unseen(self, conditions: Sequence[Condition]) -> Array:
        """How measured genes that were never perturbed differ from the mean effect, by their columns of T."""
        assert self.reference is not None
        found = np.zeros((len(conditions), len(self.reference.genes)))
        new = [replace(c, genes=tuple(set(c.genes) - set(self.effects.names))) for c in conditions]
        control = self.reference.control
        columns_of = target_columns(new, list(self.reference.genes.astype(str)))
        for row, columns in enumerate(columns_of):
            if len(columns):
                level = control[self.reference.rows([conditions[row]])[0], columns]
                change = self.levels.share * level + self.levels.step
                found[row] = own_columns(self.network, columns) @ change - len(columns) * self.average
        return found

    def _corrections(self, conditions: Sequence[Condition]) -> Array:
        """What holding the targets of combinations takes back, shape (conditions, genes)."""
        assert self.reference is not None
        genes = self.reference.genes.astype(str)
        found = np.zeros((len(conditions), len(genes)))
        columns_of = target_columns(conditions, list(genes))
        several = [row for row, c in enumerate(conditions) if c.order > 1 and len(columns_of[row])]
        if not several:
            return found
        wanted = np.unique(np.concatenate([columns_of[row] for row in several]))
        total = self.network.total(wanted)
        for row in several:
            columns = columns_of[row]
            kept = np.array([self.kept.get(gene, HARD) for gene in genes[columns]])
            moved = self._moved_by_others(conditions[row], columns)
            held = total[:, np.searchsorted(wanted, columns)]
            found[row] = response_to_held(held, columns, kept, (kept - 1.0) * moved)
        return found

    def _moved_by_others(self, condition: Condition, columns: NDArray[np.intp]) -> Array:
        """What the singles of the other targets do to each target's level, shape (targets,)."""
        assert self.reference is not None
        names = self.reference.genes.astype(str)[columns]
        setting = int(self.effects.rows([condition])[0])
        table = self.effects.table(setting)
        return np.array(
            [
                sum(
                    float(table[self.effects.index(other), column])
                    for other in condition.genes
                    if other != name
                )
                for name, column in zip(names, columns, strict=True)
            ]
        )
