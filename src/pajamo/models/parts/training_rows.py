"""Some rows of a training set, and their canonical order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pajamo.data.training_set import TrainingSet


def order_of(training: TrainingSet) -> list[int]:
    """Rows in the order of their conditions, so that the order in which they came cannot matter."""
    return sorted(range(len(training.conditions)), key=training.conditions.__getitem__)


def with_rows(training: TrainingSet, rows: Sequence[int]) -> TrainingSet:
    """The training set with these conditions only, in this order; cells and counts stay as they are."""
    conditions = tuple(training.conditions[row] for row in rows)
    return replace(training, conditions=conditions, moments=training.moments[list(rows)])
