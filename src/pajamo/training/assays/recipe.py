"""How first-order fits are run: minibatches, rates and epochs, chosen on validation sets of public assays."""

from __future__ import annotations

from dataclasses import dataclass

from pajamo.encoders.sequence.encoder import LinearEncoder
from pajamo.models.assays.assembly import Assembly

LARGE = 100_000
"""Rows from which minibatches are twice as large."""
MOST_ROWS_READ = 13_000_000
"""Rows that all epochs together read at most, unless that leaves fewer than ten epochs."""
FEWEST_BATCHES, SMALLEST_BATCH = 16, 16
"""Minibatches of an epoch at least, as long as each then has so many rows."""


@dataclass(frozen=True)
class Recipe:
    """One first-order fit.

    Attributes
    ----------
    batch: rows of a step.
    learning_rate: the greatest.
    epochs: passes over the training set.
    screened: whether many random starts are screened together first; a black box averages over its members instead.
    """

    batch: int
    learning_rate: float
    epochs: int
    screened: bool


def recipe_for(assembly: Assembly, rows: int, most: int) -> Recipe:
    """How to fit an assembly to so many rows in at most so many epochs."""
    linear = all(isinstance(encoder, LinearEncoder) for _, encoder in assembly.readers())
    usual = Recipe(512, 0.02, 100, True) if linear else Recipe(256, 0.01, 60, False)
    # On a small table, epochs of few steps would end far from any optimum.
    few = min(usual.batch, max(rows // FEWEST_BATCHES, SMALLEST_BATCH))
    batch = 2 * usual.batch if rows > LARGE else few
    epochs = min(most, usual.epochs, max(MOST_ROWS_READ // max(rows, 1), 10))
    return Recipe(batch, usual.learning_rate, epochs, usual.screened)
