"""Baseline: every combination looks like the average training combination."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.errors import ModelError
from pajamo.models.base import Array, Card
from pajamo.models.parts.averages import average_of
from pajamo.models.parts.weighted import Weighted
from pajamo.models.registry import register


@register
class MeanDouble(Weighted):
    """The mean change over training doubles of the same context and time, else over all doubles."""

    why_not: ClassVar[str] = "it predicts combinations, and this is a single perturbation"
    card = Card(
        name="mean-double",
        title="Mean of the training doubles",
        reference="the mean baseline of Ahlmann-Eltze et al. 2025, Nature Methods 22:1657, on doubles only",
        needs="training doubles",
        weights={},
        limits="the same prediction for every combination",
        baseline=True,
        assumes=frozenset({"order-free"}),
    )

    def prepare(self, training: TrainingSet) -> None:
        """Check that there are doubles."""
        del training
        if not self._doubles().any():
            raise ModelError(f"{self.card.name} needs training doubles", fix="use mean-perturbation")

    def mixture(self, conditions: Sequence[Condition], *, without_self: bool = False) -> Array:
        """Equal weights of the doubles, for combinations only."""
        rows = average_of(conditions, self.measured.conditions, self._doubles(), without_self)
        return rows * np.array([condition.order >= 2 for condition in conditions])[:, None]

    def _doubles(self) -> np.ndarray:
        return np.array([condition.order == 2 for condition in self.measured.conditions])
