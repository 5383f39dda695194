"""Base of models of one phenotype a condition: singles as measured, pairs by a law, more genes by pairs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.errors import ModelError, shorten
from pajamo.mechanisms.composition import compose, incidence, pair_conditions
from pajamo.mechanisms.growth import CURVE, GrowthLaw, GrowthRegression
from pajamo.models.base import Array, Model
from pajamo.models.parts.folds import fold_of
from pajamo.models.parts.singles import INTERACTION_SD

FEWEST_PAIRS = 5
FOLDS = 5


@dataclass(frozen=True)
class GrowthMap:
    """A training set of phenotypes as genes and pairs of them, sorted.

    Attributes
    ----------
    genes: measured alone.
    singles, single_variance: phenotype of each and its squared standard error, shape (genes,).
    pairs: rows of the two genes, shape (pairs, 2).
    phenotypes, variance: of each pair, shape (pairs,).
    doubles: the pairs as conditions.
    """

    genes: tuple[str, ...]
    singles: Array
    single_variance: Array
    pairs: NDArray[np.intp]
    phenotypes: Array
    variance: Array
    doubles: tuple[Condition, ...]

    @classmethod
    def of(cls, training: TrainingSet) -> GrowthMap:
        """Take singles, and the doubles both of whose genes were measured alone."""
        order = sorted(range(len(training.conditions)), key=training.conditions.__getitem__)
        conditions = [training.conditions[row] for row in order]
        change, variance = training.delta[order, 0], training.variance_of_mean[order, 0]
        alone = [row for row, c in enumerate(conditions) if c.order == 1]
        genes = tuple(conditions[row].genes[0] for row in alone)
        position = {gene: i for i, gene in enumerate(genes)}
        double = [row for row, c in enumerate(conditions) if c.order == 2 and set(c.genes) <= position.keys()]
        pairs = np.array([[position[g] for g in conditions[row].genes] for row in double], dtype=np.intp)
        return cls(
            genes, change[alone], variance[alone], pairs.reshape(-1, 2), change[double], variance[double],
            tuple(conditions[row] for row in double),
        )  # fmt: skip

    def rows(self, kept: NDArray[np.bool_]) -> GrowthMap:
        """The map with some of its pairs."""
        doubles = tuple(d for d, keep in zip(self.doubles, kept, strict=True) if keep)
        return GrowthMap(
            self.genes, self.singles, self.single_variance, self.pairs[kept], self.phenotypes[kept],
            self.variance[kept], doubles,
        )  # fmt: skip


class GrowthModel(Model):
    """y(single) as measured; y(pair) by `fit_law`; y(A) = sum of singles + deviations of all its pairs."""

    genes: tuple[str, ...]
    law: GrowthLaw
    single_variance: Array
    interaction: Array
    scatter: float

    @abstractmethod
    def fit_law(self, growth: GrowthMap) -> tuple[GrowthLaw, Array]:
        """The law, and what is added to it for each pair, symmetric, shape (genes, genes)."""

    def refusal(self, training: TrainingSet, conditions: Sequence[Condition]) -> str | None:
        """More than one measured quantity or setting, too few pairs, or a gene that was not measured alone."""
        try:
            self._require_map(training)
        except ModelError as error:
            return f"{error.what}: {error.why}"
        unknown = _unmeasured(GrowthMap.of(training).genes, conditions)
        return f"no phenotype of the single of {shorten(unknown)}" if unknown else None

    def estimate(self, training: TrainingSet) -> None:
        """Fit the law to all pairs; measure the scatter around fits that left a fold of pairs out."""
        self._require_map(training)
        growth = GrowthMap.of(training)
        self.genes, self.single_variance = growth.genes, growth.single_variance
        self.law, self.interaction = self.fit_law(growth)
        fold = fold_of(growth.doubles, FOLDS, self.seed)
        residual = np.zeros(len(growth.pairs))
        for k in np.unique(fold):
            law, interaction = self.fit_law(growth.rows(fold != k))
            held = growth.pairs[fold == k]
            residual[fold == k] = growth.phenotypes[fold == k] - _pairs(law, interaction, held)
        self.scatter = max(float((residual**2 - growth.variance).mean()), 0.0)

    def respond(self, conditions: Sequence[Condition]) -> tuple[Array, Array]:
        """Phenotypes, with the singles' errors for singles and the scatter of each pair."""
        unknown = _unmeasured(self.genes, conditions)
        if unknown:
            raise ModelError(
                f"{self.card.name} cannot predict {shorten(unknown)}", why="its single was not measured"
            )
        members, doubles = pair_conditions(conditions)
        position = {gene: i for i, gene in enumerate(self.genes)}
        rows = np.array([[position[g] for g in d.genes] for d in doubles], dtype=np.intp).reshape(-1, 2)
        deviation = _pairs(self.law, self.interaction, rows) - self.law.singles[rows].sum(axis=1)
        alone = incidence(conditions, self.genes)
        change = compose((alone @ self.law.singles)[:, None], deviation[:, None], members)
        pairs = members.sum(axis=1)
        variance = np.where(pairs > 0, pairs * self.scatter, alone @ self.single_variance)
        return change, np.sqrt(variance)[:, None]

    def weights(self) -> pd.DataFrame:
        """Coefficients of the curve, effects and slopes of genes, and the scatter of pairs."""
        assert self.reference is not None
        unit = self.reference.unit
        rows = [("curve", name, value, unit) for name, value in zip(CURVE, self.law.curve, strict=True)]
        for quantity, values in (("gene effect", self.law.effects), ("gene slope", self.law.slopes)):
            rows += [(quantity, gene, value, unit) for gene, value in zip(self.genes, values, strict=True)]
        rows.append((INTERACTION_SD, "pairs", float(np.sqrt(self.scatter)), unit))
        table = pd.DataFrame(rows, columns=["quantity", "of", "value", "unit"])
        return table.assign(se=np.nan)[["quantity", "of", "value", "se", "unit"]]

    def state(self) -> dict[str, NDArray[np.generic]]:
        """All fitted arrays."""
        law = {name: getattr(self.law, name) for name in _LAW}
        return law | {"single_variance": self.single_variance, "interaction": self.interaction}

    def facts(self) -> dict[str, object]:
        """Names of genes, and the scatter."""
        return {"genes": list(self.genes), "scatter": self.scatter}

    def restore(self, state: dict[str, NDArray[np.generic]], facts: dict[str, object]) -> None:
        """Take back what `state` and `facts` gave."""
        arrays = {name: np.asarray(array, dtype=float) for name, array in state.items()}
        self.law = GrowthLaw(*(arrays[name] for name in _LAW))
        self.single_variance, self.interaction = arrays["single_variance"], arrays["interaction"]
        genes = facts["genes"]
        assert isinstance(genes, list)
        self.genes, self.scatter = tuple(genes), float(str(facts["scatter"]))

    def _require_map(self, training: TrainingSet) -> None:
        fix = "give a table of phenotypes, TrainingSet.from_table"
        if training.n_genes != 1 or len(training.settings) != 1:
            raise ModelError(
                f"{self.card.name} needs one phenotype a condition, in one setting",
                why=f"there are {training.n_genes} quantities in {len(training.settings)} settings",
                fix=fix,
            )
        found = len(GrowthMap.of(training).pairs)
        if found < FEWEST_PAIRS:
            raise ModelError(
                f"{self.card.name} needs {FEWEST_PAIRS} pairs whose singles were measured",
                why=f"training has {found}",
                fix=fix,
            )


_LAW = ("singles", "curve", "effects", "slopes")


def regression(growth: GrowthMap) -> GrowthRegression:
    """The ridge regression of the law on a map's pairs."""
    return GrowthRegression(growth.singles, growth.pairs)


def _pairs(law: GrowthLaw, interaction: Array, pairs: NDArray[np.intp]) -> Array:
    return np.asarray(law.predict(pairs) + interaction[pairs[:, 0], pairs[:, 1]])


def _unmeasured(genes: Sequence[str], conditions: Sequence[Condition]) -> list[str]:
    return sorted({gene for c in conditions for gene in c.genes} - set(genes))
