"""Salt-shift: Salt for whole distributions of cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.errors import ModelError, shorten
from pajamo.mechanisms.composition import part_incidence
from pajamo.models.base import Card
from pajamo.models.parts.singles import INTERACTION_SD, MAIN_EFFECT, SumOfSingles
from pajamo.models.registry import register

Cells = Mapping[Condition, NDArray[np.float32]]


@register
class SaltShift(SumOfSingles):
    """Cells of a+b are cells of a moved by b's mean effect, and cells of b moved by a's, half and half.

    Adding cells (x_a + x_b - x_c) would add their variances as well; moving keeps one cell's. Values
    are clipped at zero, which lifts the mean of the drawn cells slightly; `predict` gives Salt's mean.
    """

    card = Card(
        name="salt-shift",
        title="Salt-shift: Salt for distributions",
        reference="a distributional form of Salt, Gaudelet et al. 2024, arXiv 2404.16907",
        needs="cells and means of every single of a combination, in the same context and at the same time",
        weights={
            MAIN_EFFECT: "change of a measured gene's mean when one gene is perturbed, ln(1 + CP10K)",
            INTERACTION_SD: "how far training combinations lie from the sum, per gene, ln(1 + CP10K)",
        },
        limits="every cell of a condition moves by the same amount; no interactions",
        baseline=True,
        assumes=frozenset({"additive", "order-free", "complete-editing"}),
    )

    cells: Cells

    def refusal(self, training: TrainingSet, conditions: Sequence[Condition]) -> str | None:
        """Salt's reasons, or no cells of a single."""
        reason = super().refusal(training, conditions)
        if reason is not None:
            return reason
        needed = {part for c in conditions for part in c.parts()}
        without = sorted(needed - training.cells.keys())
        return f"no cells were kept for {shorten(map(str, without))}" if without else None

    def estimate(self, training: TrainingSet) -> None:
        """Salt's estimates, and the cells of singles and controls."""
        super().estimate(training)
        self.cells = {c: training.cells[c] for c in sorted(training.cells) if c.order <= 1}

    def draw(self, condition: Condition, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Draw n cells in ln(1 + CP10K), an equal share from each single's cells; shape (n, genes)."""
        starts = condition.parts() or (condition,)
        absent = [str(start) for start in starts if start not in self.cells]
        if absent:
            raise ModelError(
                f"{self.card.name} has no cells of {shorten(absent)}",
                why="predicted cells are measured cells that are moved",
                fix="keep cells in the training set, or predict only the mean",
            )
        shares = [len(part) for part in np.array_split(np.arange(n), len(starts))]
        moved = [
            self._moved(start, condition, share, rng) for start, share in zip(starts, shares, strict=True)
        ]
        return np.maximum(np.concatenate(moved), 0.0).astype(np.float32)

    def _moved(
        self, start: Condition, condition: Condition, n: int, rng: np.random.Generator
    ) -> NDArray[np.float32]:
        pool = self.cells[start]
        others = [part for part in condition.parts() if part != start]
        shift = part_incidence([condition], self.measured.conditions) @ self.measured.delta
        own = part_incidence([start], self.measured.conditions) @ self.measured.delta
        chosen = pool[rng.integers(len(pool), size=n)]
        return chosen + (shift - own) if others else chosen

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Salt's arrays, and the cells."""
        return {**super().state(), **{f"cells.{i}": pool for i, pool in enumerate(self.cells.values())}}

    def facts(self) -> dict[str, object]:
        """Names, and whose cells are kept."""
        return {**super().facts(), "cells": [condition.to_list() for condition in self.cells]}

    def restore(self, state: dict[str, NDArray[np.generic]], facts: dict[str, object]) -> None:
        """Take back what `state` and `facts` gave."""
        super().restore(state, facts)
        kept = facts["cells"]
        assert isinstance(kept, list)
        self.cells = {
            Condition.from_list(values): np.asarray(state[f"cells.{i}"], dtype=np.float32)
            for i, values in enumerate(kept)
        }
