"""How strongly main effects are shrunken: chosen on training combinations that were left out."""

from __future__ import annotations

import numpy as np

from pajamo.data.training_set import TrainingSet
from pajamo.models.base import Array
from pajamo.models.pair_correction.balance import strongest_entries
from pajamo.models.parts.folds import fold_of
from pajamo.models.parts.main_effects import MainEffects, Noise

RATIOS = (0.03, 0.1, 0.2, 0.3)
COMBINATIONS = (1.0, 3.0, 10.0)


def chosen_noise(training: TrainingSet, default: Noise, folds: int, seed: int) -> Noise:
    """The pair of numbers with the smallest error on held-out training combinations.

    The error is the sum of the logarithms of the mean squared error over all genes and over each
    combination's strongest genes, so that neither outweighs the other. Without two combinations there
    is nothing to choose on, and the default stays.
    """
    rows = [row for row, c in enumerate(training.conditions) if c.order > 1]
    rows.sort(key=training.conditions.__getitem__)
    if len({training.conditions[row].genes for row in rows}) < 2:
        return default
    options = [Noise(ratio, factor) for ratio in RATIOS for factor in COMBINATIONS]
    strong = strongest_entries(training, rows)
    errors = [_score(_squared_errors(training, rows, option, folds, seed), strong) for option in options]
    return options[int(np.argmin(errors))]


def _squared_errors(training: TrainingSet, rows: list[int], noise: Noise, folds: int, seed: int) -> Array:
    conditions = [training.conditions[row] for row in rows]
    fold = fold_of(conditions, folds, seed)
    predicted = np.zeros((len(rows), training.n_genes))
    for k in np.unique(fold):
        held = [conditions[i] for i in np.flatnonzero(fold == k)]
        predicted[fold == k] = MainEffects.fit(training, noise, {c.genes for c in held}).means(held)
    return np.asarray((predicted - training.moments.mean[rows]) ** 2)


def _score(errors: Array, strong: Array) -> float:
    tiny = np.finfo(float).tiny
    return float(np.log(errors.mean() + tiny) + np.log(errors[strong].mean() + tiny))
