"""Baseline for time courses: what it did yesterday it does today."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from pajamo.data.conditions import Condition
from pajamo.models.base import Array, Card
from pajamo.models.parts.weighted import Weighted
from pajamo.models.registry import register


@register
class Persistence(Weighted):
    """The change that the same perturbation made at the last earlier time, in the same context."""

    why_not: ClassVar[str] = "the same perturbation was not measured at an earlier time in this context"
    card = Card(
        name="persistence",
        title="Persistence: the last earlier time",
        reference="the persistence forecast; Murphy 1992, Weather and Forecasting 7:692",
        needs="the same perturbation at an earlier time in the same context",
        weights={},
        limits="no development: changes that grow or fade are missed",
        baseline=True,
        assumes=frozenset({"at-rest", "order-free"}),
    )

    def mixture(self, conditions: Sequence[Condition], *, without_self: bool = False) -> Array:
        """Weight one on the last earlier time. It never includes the condition itself."""
        del without_self
        weights = np.zeros((len(conditions), len(self.measured.conditions)))
        for row, condition in enumerate(conditions):
            earlier = [i for i, other in enumerate(self.measured.conditions) if _before(other, condition)]
            if earlier and not condition.is_control:
                weights[row, max(earlier, key=lambda i: self.measured.conditions[i].time)] = 1.0
        return weights


def _before(other: Condition, condition: Condition) -> bool:
    same = other.genes == condition.genes and other.context == condition.context
    return same and other.time < condition.time
