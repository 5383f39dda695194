"""Measured main effects of single perturbations, and the base of models that add them up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pandas as pd

from pajamo.data.conditions import Condition
from pajamo.mechanisms.composition import pairs, part_incidence
from pajamo.models.base import Array, Reference
from pajamo.models.parts.measured import Measured
from pajamo.models.parts.weighted import Weighted

MAIN_EFFECT = "main effect"
INTERACTION_SD = "interaction sd"


def effect_table(effects: Measured, reference: Reference) -> pd.DataFrame:
    """Every main effect with its standard error: one row for each perturbed and measured gene."""
    _, variance = effects.combine(np.eye(len(effects.conditions)))
    genes = reference.genes.astype(str).to_numpy()
    names = np.repeat([str(condition) for condition in effects.conditions], len(genes)).astype(object)
    return pd.DataFrame(
        {
            "quantity": MAIN_EFFECT,
            "of": names + " on " + np.tile(genes, len(effects.conditions)),
            "value": effects.delta.ravel(),
            "se": np.sqrt(variance).ravel(),
            "unit": reference.unit,
        }
    )


def scatter_table(scatter: Array, reference: Reference) -> pd.DataFrame:
    """Standard deviation of interactions for each gene, as estimated from training combinations."""
    return pd.DataFrame(
        {
            "quantity": INTERACTION_SD,
            "of": reference.genes.astype(str),
            "value": np.sqrt(scatter),
            "se": np.nan,
            "unit": reference.unit,
        }
    )


class SumOfSingles(Weighted):
    """delta(A) = scale(A) * sum over the genes a of A of delta(a); a single keeps its measured effect.

    Each pair of genes adds the scatter of training combinations around this law to the variance.
    """

    why_not: ClassVar[str] = "a single of it was not measured in the same context and time"

    def scale(self, conditions: Sequence[Condition]) -> Array:
        """Factor on each condition's sum of singles, 1 for singles; shape (conditions,)."""
        return np.ones(len(conditions))

    def mixture(self, conditions: Sequence[Condition], *, without_self: bool = False) -> Array:
        """The scale at each single of a condition; zeros where a single is missing."""
        del without_self  # a combination never enters its own sum, and singles are no probes
        singles = part_incidence(conditions, self.measured.conditions)
        orders = np.array([condition.order for condition in conditions])
        complete = singles.sum(axis=1) == orders
        return singles * (complete * self.scale(conditions))[:, None]

    def probes(self) -> list[int]:
        """Combinations in training."""
        return [row for row, condition in enumerate(self.measured.conditions) if condition.order >= 2]

    def pairs(self, conditions: Sequence[Condition]) -> Array:
        """Number of pairs of genes in each condition."""
        return np.array([len(pairs(condition)) for condition in conditions], dtype=float)

    def weights(self) -> pd.DataFrame:
        """Main effects, and the standard deviation of interactions for each gene."""
        assert self.reference is not None
        tables = [effect_table(self.singles, self.reference), scatter_table(self.scatter, self.reference)]
        return pd.concat(tables, ignore_index=True)

    @property
    def singles(self) -> Measured:
        """The measured main effects."""
        rows = [row for row, condition in enumerate(self.measured.conditions) if condition.order == 1]
        whole = self.measured
        return Measured(
            tuple(whole.conditions[row] for row in rows),
            whole.delta[rows],
            whole.variance[rows],
            whole.settings,
            whole.control_variance,
        )
