"""Sums by condition, batch and guide, gathered in passes over the cells: all that variance components need."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from pajamo.data.pseudobulk import add_block
from pajamo.data.screen import Screen
from pajamo.errors import DataError
from pajamo.units import NORMALISATION_TARGET

Array = NDArray[np.float64]
Codes = NDArray[np.intp]
Values = Literal["log", "linear"]
"""Whether a gene's value in a cell is ln(1 + CP10K), or CP10K itself."""

MOST_VALUES = 20_000_000
"""Most sums (groups times genes) held at once, 160 MB twice; more genes are read in further passes."""


@dataclass(frozen=True)
class Groups:
    """The cells of a screen divided by condition, batch and guide.

    Attributes
    ----------
    condition, batch, guide: codes of each group; shape (groups,). Guides are numbered within their
        condition; controls count as one guide, because guides without a target differ in nothing.
    cells: number of cells of each group.
    of_cell: group of each cell of the screen; empty for a part of the groups.
    batches: names of the batches.
    """

    condition: Codes
    batch: Codes
    guide: Codes
    cells: Array
    of_cell: Codes
    batches: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.cells)

    @property
    def margins(self) -> int:
        """Rows of the widest table made of these groups."""
        return max(len(self), (int(self.condition.max(initial=-1)) + 1) * len(self.batches))

    def part(self, kept: NDArray[np.bool_]) -> Groups:
        """Some of the groups."""
        return Groups(
            self.condition[kept],
            self.batch[kept],
            self.guide[kept],
            self.cells[kept],
            np.empty(0, dtype=np.intp),
            self.batches,
        )


@dataclass(frozen=True)
class GroupSums:
    """Sums of some genes over each group's cells, and sums of squares over all of them.

    Attributes
    ----------
    columns: positions of these genes in the screen; shape (genes,).
    sums: shape (groups, genes).
    squares: sums of squares over parts of the cells, of which only the total is used; shape (parts, genes).
    """

    columns: Codes
    sums: Array
    squares: Array


def groups_of(screen: Screen, *, guides: bool = True) -> Groups:
    """Divide a screen's cells by condition, batch, and guide where guides were recorded.

    Raises
    ------
    DataError: the screen has no batch column.
    """
    if "batch" not in screen.cells:
        raise DataError(
            "the screen's batches are not known",
            where=screen.name,
            why="the variance between batches can only be read off cells whose batch was recorded",
            fix="set `batch` to the column of obs with the batch (lane, gem group, plate)",
        )
    batch, names = pd.factorize(screen.cells["batch"].astype(str), sort=True)
    guide = _guides(screen) if guides and "guide" in screen.cells else np.zeros(screen.n_cells, dtype=np.intp)
    keys = np.stack([screen.condition_of, batch, guide], axis=1)
    rows, of_cell, cells = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    condition, batch_of, guide_of = (rows[:, k].astype(np.intp) for k in range(3))
    return Groups(condition, batch_of, guide_of, cells.astype(float), of_cell.ravel(), tuple(map(str, names)))


def _guides(screen: Screen) -> Codes:
    control = np.array([condition.is_control for condition in screen.conditions])[screen.condition_of]
    names = screen.cells["guide"].astype(str).where(~control, "")
    codes: Codes = pd.factorize(names, sort=True)[0].astype(np.intp)
    return codes


def group_sums(screen: Screen, groups: Groups, values: Values = "log") -> Iterator[GroupSums]:
    """Yield the sums of a few genes at a time, so that memory does not grow with genes times groups.

    Raises
    ------
    DataError: CP10K is asked of a screen that holds logarithms without a library size.
    """
    most = max(1, MOST_VALUES // max(groups.margins, 1))
    for first in range(0, len(screen.genes), most):
        columns = np.arange(first, min(first + most, len(screen.genes)), dtype=np.intp)
        part = screen if len(columns) == len(screen.genes) else screen.with_genes(columns)
        sums, squares = np.zeros((len(groups), len(columns))), np.zeros((len(groups), len(columns)))
        for start, block in value_blocks(part, values):
            add_block(sums, squares, block, groups.of_cell[start : start + block.shape[0]])
        yield GroupSums(columns, sums, squares)


def value_blocks(screen: Screen, values: Values) -> Iterator[tuple[int, sp.csr_matrix]]:
    """Yield (first cell, rows) as ln(1 + CP10K) or as CP10K."""
    if values == "log":
        yield from screen.log_normalised_blocks()
        return
    require_counts(screen)
    sizes = screen.cells["library_size"].to_numpy(dtype=float)
    for start, block in screen.matrix.blocks():
        scaled = sp.csr_matrix(block, dtype=np.float64, copy=True)
        scale = NORMALISATION_TARGET / sizes[start : start + block.shape[0]]
        scaled.data *= np.repeat(scale, np.diff(scaled.indptr))
        yield start, scaled


def require_counts(screen: Screen) -> None:
    """Refuse a screen that holds logarithms.

    Raises
    ------
    DataError: naming what to do instead.
    """
    if screen.scale != "counts":
        raise DataError(
            "the screen holds logarithms, not counts",
            where=screen.name,
            why="expression levels and overdispersion of counts can only be read off counts",
            fix="name a layer with counts, or state `mean` and `dispersion` instead",
        )
