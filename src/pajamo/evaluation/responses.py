"""Changes of single and double perturbations, with the variances that interactions are judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from pajamo.data.conditions import Condition
from pajamo.data.prediction import Prediction
from pajamo.data.pseudobulk import Array, Pseudobulk
from pajamo.data.training_set import TrainingSet
from pajamo.errors import DataError


@dataclass(frozen=True)
class Responses:
    """Change of each condition against its control.

    Singles are measured against one half of the controls and combinations against the other, so
    that no noise is shared between the two sides of a fit.

    Attributes
    ----------
    genes: measured genes.
    conditions: perturbed conditions.
    delta: change, shape (conditions, genes).
    variance: squared standard error of the perturbed mean alone, shape (conditions, genes).
    control_variance: squared standard error of the control mean that `delta` refers to, same shape.
    """

    genes: pd.Index
    conditions: tuple[Condition, ...]
    delta: Array
    variance: Array
    control_variance: Array

    @classmethod
    def measured(cls, bulk: Pseudobulk) -> Responses:
        """Take them from a screen."""
        singles = tuple(c for c in bulk.conditions if c.order == 1)
        combinations = tuple(c for c in bulk.conditions if c.order > 1)
        sides = [_side(bulk, singles, 0), _side(bulk, combinations, 1)]
        delta, variance, control = (np.concatenate(parts) for parts in zip(*sides, strict=True))
        return cls(bulk.genes, singles + combinations, delta, variance, control)

    def predicted(self, prediction: Prediction) -> Responses:
        """Put a model's predictions in the place of what was measured, and add what was not.

        Features of a prediction describe it as it stands, without noise to be taken off: a
        prediction that was made from the singles shares their noise.

        Raises
        ------
        DataError: the genes are not the same.
        """
        columns = prediction.genes.get_indexer(self.genes)
        if (columns < 0).any():
            raise DataError(
                f"{prediction.model} does not predict all measured genes", fix="use the same genes"
            )
        kept = [i for i, c in enumerate(self.conditions) if c not in set(prediction.conditions)]
        delta = np.concatenate([self.delta[kept], prediction.delta[:, columns]])
        conditions = tuple(self.conditions[i] for i in kept) + prediction.conditions
        return Responses(self.genes, conditions, delta, np.zeros_like(delta), np.zeros_like(delta))

    @cached_property
    def position(self) -> dict[Condition, int]:
        """Row of each condition."""
        return {condition: i for i, condition in enumerate(self.conditions)}

    def doubles(self) -> tuple[Condition, ...]:
        """Doubles of which both singles are there."""
        return tuple(
            c for c in self.conditions if c.order == 2 and all(part in self.position for part in c.parts())
        )


def _side(bulk: Pseudobulk, conditions: Sequence[Condition], half: int) -> tuple[Array, Array, Array]:
    unperturbed = [c for c in bulk.conditions if c.is_control]
    side = TrainingSet(
        genes=bulk.genes,
        conditions=tuple(conditions),
        moments=bulk.whole[bulk.index(conditions)],
        settings=tuple(c.setting for c in unperturbed),
        controls=bulk.halves[half][bulk.index(unperturbed)],
    )
    return side.delta, side.variance_of_mean, side.control_variance_of_mean(conditions)
