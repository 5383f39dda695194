"""Baseline for time courses: a perturbation's average over the other times."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from pajamo.data.conditions import Condition
from pajamo.models.base import Array, Card
from pajamo.models.parts.weighted import Weighted
from pajamo.models.registry import register


@register
class TimeMean(Weighted):
    """The mean change that the same perturbation made at all other times, in the same context."""

    why_not: ClassVar[str] = "the same perturbation was not measured at another time in this context"
    card = Card(
        name="time-mean",
        title="Mean over the other times",
        reference="the climatological forecast; Murphy 1992, Weather and Forecasting 7:692",
        needs="the same perturbation at another time in the same context",
        weights={},
        limits="no development: it averages early and late responses",
        baseline=True,
        assumes=frozenset({"at-rest", "order-free"}),
    )

    def mixture(self, conditions: Sequence[Condition], *, without_self: bool = False) -> Array:
        """Equal weights of the other times. They never include the condition itself."""
        del without_self
        weights = np.zeros((len(conditions), len(self.measured.conditions)))
        for row, condition in enumerate(conditions):
            others = [i for i, other in enumerate(self.measured.conditions) if _other_time(other, condition)]
            if others and not condition.is_control:
                weights[row, others] = 1.0 / len(others)
        return weights


def _other_time(other: Condition, condition: Condition) -> bool:
    same = other.genes == condition.genes and other.context == condition.context
    return same and other.time != condition.time
