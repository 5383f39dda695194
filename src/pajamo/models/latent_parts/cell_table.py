"""The cells that an autoencoder learns from: molecules where they were counted, else ln(1 + CP10K)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.count_table import CountTable
from pajamo.data.training_set import TrainingSet
from pajamo.models.base import Array
from pajamo.units import NORMALISATION_TARGET

MOST_CELLS = 6000
"""Most cells that are kept, evenly over conditions."""
CONTROL_SHARE = 4
"""Cells that are kept of a control for each of a perturbed condition: every prediction starts from them."""
MOST_VALUES = 30_000_000
"""Most values (cells times genes) that are kept."""


@dataclass(frozen=True)
class CellTable:
    """Cells, sorted by condition.

    Attributes
    ----------
    values: molecules or ln(1 + CP10K), shape (cells, genes).
    logged: ln(1 + CP10K), the same shape.
    counted: whether `values` are molecules.
    library: molecules over all genes, shape (cells,); ones if they were not counted.
    conditions: what was done, controls included, sorted.
    condition_of, batch_of: for each cell, shape (cells,).
    batches: number of batches.
    """

    values: NDArray[np.float32]
    logged: NDArray[np.float32]
    counted: bool
    library: Array
    conditions: tuple[Condition, ...]
    condition_of: NDArray[np.intp]
    batch_of: NDArray[np.intp]
    batches: int

    @classmethod
    def of(cls, training: TrainingSet) -> CellTable:
        """Counts if the training set has them, else its cells; at most `MOST_CELLS`."""
        table = training.counts
        return _of_cells(training) if table is None else _of_counts(table)

    @property
    def is_control(self) -> NDArray[np.bool_]:
        """Whether each cell is a control, shape (cells,)."""
        return np.array([c.is_control for c in self.conditions], dtype=bool)[self.condition_of]

    def within(self, training: TrainingSet) -> TrainingSet:
        """The training set with these cells as its cells."""
        groups = {c: self.logged[self.condition_of == i] for i, c in enumerate(self.conditions)}
        return replace(training, cells={c: cells for c, cells in groups.items() if len(cells)})


def has_cells(training: TrainingSet) -> bool:
    """Whether there is any cell to learn from, of perturbed and of control cells."""
    if training.counts is not None:
        held = {training.counts.conditions[i] for i in np.unique(training.counts.condition_of)}
    else:
        held = {c for c, cells in training.cells.items() if len(cells)}
    return any(c.is_control for c in held) and any(not c.is_control for c in held)


def _of_counts(table: CountTable) -> CellTable:
    rows = _spread(table.condition_of, table.conditions, table.counts.shape[1])
    counts = table.counts[rows].toarray().astype(np.float32)
    library = np.maximum(table.library_size[rows], 1.0)
    logged = np.log1p(counts * (NORMALISATION_TARGET / library)[:, None]).astype(np.float32)
    present, of = np.unique(table.condition_of[rows], return_inverse=True)
    conditions = tuple(table.conditions[i] for i in present)
    return CellTable(counts, logged, True, library, conditions, of, table.batch_of[rows], len(table.batches))


def _of_cells(training: TrainingSet) -> CellTable:
    conditions = tuple(sorted(c for c in training.cells if len(training.cells[c])))
    values = np.concatenate([training.cells[c] for c in conditions]).astype(np.float32)
    condition_of = np.repeat(np.arange(len(conditions)), [len(training.cells[c]) for c in conditions])
    rows = _spread(condition_of, conditions, values.shape[1])
    kept, of = values[rows], condition_of[rows]
    return CellTable(kept, kept, False, np.ones(len(rows)), conditions, of, np.zeros_like(of), 1)


def _spread(of: NDArray[np.intp], conditions: tuple[Condition, ...], genes: int) -> NDArray[np.intp]:
    """Rows to keep, sorted by condition; where there are too many, evenly spaced ones of each condition."""
    most = min(MOST_CELLS, MOST_VALUES // max(genes, 1))
    order = np.argsort(of, kind="stable")
    if len(of) <= most:
        return order
    shares = np.array([CONTROL_SHARE if c.is_control else 1 for c in conditions])
    quotas = np.maximum(shares * most // shares.sum(), 1)
    kept = []
    for i, quota in enumerate(quotas):
        rows = order[of[order] == i]
        size = min(len(rows), int(quota))
        kept.append(rows[np.arange(size) * len(rows) // max(size, 1)])
    return np.concatenate(kept)
