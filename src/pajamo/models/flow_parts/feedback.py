"""How far regulators follow their own transcripts: chosen on training conditions that were kept aside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.models.parts.scales import spread_of

Array = NDArray[np.float64]

FEWEST_TIMES = 3
"""Times of measurement below which no last one can be kept aside."""

Predict = Callable[[TrainingSet, Sequence[Condition], Sequence[float]], Array]
"""From a smaller training set, conditions and gains to predicted changes, shape (gains, conditions, genes)."""


def best_gain(predict: Predict, training: TrainingSet, gains: Sequence[float]) -> float:
    """The gain that best predicts combinations from singles, or the last training time from the earlier ones.

    Zero, unless another improves the squared error, in units of the variance between cells, by more than the
    standard error of that improvement over conditions: feedback has to earn its place.
    """
    seen, aside = kept_aside(training)
    if len(aside) < 2:
        return 0.0
    rows = [training.conditions.index(condition) for condition in aside]
    gap = (predict(seen, aside, gains) - training.delta[rows]) / spread_of(training)
    errors = (gap**2).mean(axis=2)
    better = errors[list(gains).index(0.0)] - errors
    mean, error = better.mean(axis=1), better.std(axis=1, ddof=1) / np.sqrt(len(aside))
    best = int(np.argmax(mean - error))
    return float(gains[best]) if mean[best] > error[best] else 0.0


def kept_aside(training: TrainingSet) -> tuple[TrainingSet, list[Condition]]:
    """A smaller training set, and conditions that it says something of."""
    times = sorted({c.time for c in training.conditions})
    singles = {c for c in training.conditions if c.order == 1}
    combined = [c for c in training.conditions if c.order > 1 and singles.issuperset(c.parts())]
    if combined:
        return _only(training, [c.order == 1 for c in training.conditions]), combined
    if len(times) < FEWEST_TIMES:
        return training, []
    early = [c.time < times[-1] for c in training.conditions]
    known = {(c.genes, c.context) for c, is_early in zip(training.conditions, early, strict=True) if is_early}
    late = [c for c in training.conditions if c.time == times[-1] and (c.genes, c.context) in known]
    return _only(training, early), late


def _only(training: TrainingSet, kept: Sequence[bool]) -> TrainingSet:
    rows = np.flatnonzero(kept)
    conditions = tuple(training.conditions[i] for i in rows)
    return replace(training, conditions=conditions, moments=training.moments[rows])
