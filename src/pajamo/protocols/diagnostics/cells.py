"""Cells by condition and batch, as the tests take them: at most a few hundred of each, of the most variable genes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.reading.variable_genes import keep_variable
from pajamo.data.screen import Screen

Array = NDArray[np.float64]

MOST_GENES = 1000
"""Genes that the tests look at: the most variable among control cells, and the perturbed ones."""
MOST_CELLS = 400
"""Cells of each condition that are held, chosen at random; controls have twice as many."""
MOST_VALUES = 100_000_000
"""Values held at once (800 MB): with more conditions, fewer cells of each."""


@dataclass(frozen=True)
class Cells:
    """Sampled cells.

    Attributes
    ----------
    genes: names, shape (genes,).
    conditions: all that the screen has.
    values: ln(1 + CP10K), shape (cells, genes).
    condition_of: position of each cell's condition, shape (cells,).
    batch_of: batch of each cell, None if batches were not recorded; shape (cells,).
    """

    genes: pd.Index
    conditions: tuple[Condition, ...]
    values: Array
    condition_of: NDArray[np.intp]
    batch_of: NDArray[np.str_] | None = None

    @classmethod
    def of(cls, screen: Screen, seed: int) -> Cells:
        """Sample the cells of a screen."""
        if len(screen.genes) > MOST_GENES:
            screen = keep_variable(screen, MOST_GENES)
        most = max(20, min(MOST_CELLS, MOST_VALUES // max(1, len(screen.genes) * len(screen.conditions))))
        quota = np.array([2 * most if c.is_control else most for c in screen.conditions])
        order = np.random.default_rng([seed, 2]).permutation(screen.n_cells)
        rank = pd.Series(screen.condition_of[order]).groupby(screen.condition_of[order]).cumcount().to_numpy()
        chosen = np.sort(order[rank < quota[screen.condition_of[order]]])
        batch = screen.cells["batch"].to_numpy(dtype=str)[chosen] if "batch" in screen.cells else None
        values = screen.log_normalised_rows(chosen).toarray()
        return cls(screen.genes, screen.conditions, values, screen.condition_of[chosen], batch)

    @cached_property
    def rows_of(self) -> dict[Condition, NDArray[np.intp]]:
        """Row numbers of each condition's cells."""
        order = np.argsort(self.condition_of, kind="stable")
        ends = np.cumsum(np.bincount(self.condition_of, minlength=len(self.conditions)))
        return dict(zip(self.conditions, np.split(order, ends[:-1]), strict=True))

    def __getitem__(self, condition: Condition) -> Array:
        """Values of one condition's cells, shape (cells, genes)."""
        return self.values[self.rows_of[condition]]

    def has(self, conditions: Sequence[Condition], least: int) -> bool:
        """Whether every one of the conditions has at least so many cells."""
        return all(len(self.rows_of.get(c, ())) >= least for c in conditions)

    @property
    def perturbed(self) -> tuple[Condition, ...]:
        """Every condition but the controls."""
        return tuple(c for c in self.conditions if not c.is_control)
