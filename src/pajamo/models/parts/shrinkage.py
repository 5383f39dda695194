"""How strongly main effects are shrunken: chosen on training combinations that were left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pajamo.data.training_set import TrainingSet
from pajamo.models.base import Array
from pajamo.models.pair_correction.balance import strongest_entries
from pajamo.models.parts.folds import fold_of
from pajamo.models.parts.main_effects import MainEffects
from pajamo.models.parts.row_noise import OwnNoise

MULTIPLES = (0.125, 0.25, 0.5)
"""Below the empirical Bayes estimate, which suits the average perturbation and costs the few strong ones: on
held-out doubles of Norman 2019 (25 % out, 20 splits) allowing 1 as well gave an error of .0638 over each double's
20 strongest genes and of .0120 over all, without it .0621 and .0123."""
INTERACTION = 0.2
"""Of a combination, in units of the variance of effects; 0.1 and 0.4 are as good on Norman 2019."""
DEFAULT = OwnNoise(0.5, INTERACTION)


def chosen_noise(training: TrainingSet, folds: int, seed: int) -> OwnNoise:
    """The option with the smallest error over the strongest genes of held-out training combinations.

    Each gene is shrunken by its own ratio, so that an error over all genes would be decided by the many
    that hardly respond, at the cost of the few that do. Without two combinations there is nothing to
    choose on, and the default stays.
    """
    informative = _around_combinations(training)
    rows = [row for row, c in enumerate(informative.conditions) if c.order > 1]
    rows.sort(key=informative.conditions.__getitem__)
    if len({informative.conditions[row].genes for row in rows}) < 2:
        return DEFAULT
    options = [OwnNoise(multiple, INTERACTION) for multiple in MULTIPLES]
    strong = strongest_entries(informative, rows)
    errors = [_squared_errors(informative, rows, option, folds, seed)[strong].mean() for option in options]
    return options[int(np.argmin(errors))]


def _around_combinations(training: TrainingSet) -> TrainingSet:
    """Combinations and the singles of their genes: other singles cost time and tell nothing of combinations."""
    combined = {gene for c in training.conditions if c.order > 1 for gene in c.genes}
    rows = [row for row, c in enumerate(training.conditions) if combined & set(c.genes)]
    conditions = tuple(training.conditions[row] for row in rows)
    return replace(training, conditions=conditions, moments=training.moments[rows])


def _squared_errors(training: TrainingSet, rows: list[int], noise: OwnNoise, folds: int, seed: int) -> Array:
    conditions = [training.conditions[row] for row in rows]
    fold = fold_of(conditions, folds, seed)
    predicted = np.zeros((len(rows), training.n_genes))
    for k in np.unique(fold):
        held = [conditions[i] for i in np.flatnonzero(fold == k)]
        predicted[fold == k] = MainEffects.fit(training, noise, {c.genes for c in held}).means(held)
    return np.asarray((predicted - training.moments.mean[rows]) ** 2)
