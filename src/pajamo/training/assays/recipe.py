"""How first-order fits are run: minibatches, rates and epochs, chosen on validation sets of public assays."""

from __future__ import annotations

from dataclasses import dataclass

from pajamo.encoders.sequence.encoder import LinearEncoder
from pajamo.models.assays.assembly import Assembly
from pajamo.models.assays.objective import Rows

FEW_MUTATED = 0.05
"""Share of mutated letters below which sequences are variants of one, as in a deep mutational scan."""
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
    screened: whether many random starts are screened together first. A black box averages over its members instead;
        and where nearly all letters of a sequence are the wild type's, joint steps of all of them would throw every
        start of a mechanism to where nothing is bound.
    """

    batch: int
    learning_rate: float
    epochs: int
    screened: bool

    @property
    def full_fits(self) -> int:
        """How many of the screened starts take all epochs: those of a map with pairs end in different optima."""
        return 3 if self.batch <= 512 else 1


def recipe_for(assembly: Assembly, parts: tuple[Rows, ...], most: int) -> Recipe:
    """How to fit an assembly to these rows in at most so many epochs."""
    rows = sum(map(len, parts))
    linear = all(isinstance(encoder, LinearEncoder) for _, encoder in assembly.readers())
    many = assembly.blueprint.settings.kind == "latent" or _mutated(parts) > FEW_MUTATED
    usual = Recipe(512, 0.02, 100, many) if linear else Recipe(256, 0.01, 60, False)
    # On a small table, epochs of few steps would end far from any optimum.
    few = min(usual.batch, max(rows // FEWEST_BATCHES, SMALLEST_BATCH))
    batch = 2 * usual.batch if rows > LARGE else few
    epochs = min(most, usual.epochs, max(MOST_ROWS_READ // max(rows, 1), 10))
    if not assembly.readers():  # an instrument alone is soon found
        return Recipe(batch, usual.learning_rate, min(epochs, 10), False)
    return Recipe(batch, usual.learning_rate, epochs, usual.screened)


def _mutated(parts: tuple[Rows, ...]) -> float:
    """Share of letters that differ from the most frequent one at their position, in the first experiment."""
    codes = parts[0].codes
    return float((codes != codes.mode(dim=0).values).double().mean())
