"""A perturbation screen as pajamo sees it: cells by genes, and what was done to each cell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.matrix import FileMatrix, Matrix, MemoryMatrix
from pajamo.data.store.matrix import StoreMatrix
from pajamo.units import NORMALISATION_TARGET

Scale = Literal["counts", "log1p"]


@dataclass(frozen=True)
class Screen:
    """What a CRISPR screen recorded.

    Attributes
    ----------
    matrix: cells by genes, in the scale named by `scale`.
    scale: "counts" (UMI counts) or "log1p" (already ln(1 + CP10K), as some public sets come).
    genes: names of the measured genes, unique.
    conditions: each distinct thing that was done, controls included.
    condition_of: for each cell, the index of its condition; shape (cells,).
    cells: one row a cell; columns `library_size` (molecules over all genes), and `batch` and
        `guide` where they were recorded.
    simulated: True if the data come from a generator; carried into every report.
    """

    matrix: Matrix
    scale: Scale
    genes: pd.Index
    conditions: tuple[Condition, ...]
    condition_of: NDArray[np.intp]
    cells: pd.DataFrame
    name: str = "screen"
    simulated: bool = False
    notes: tuple[str, ...] = field(default=())

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.cells)

    def cells_of(self, condition: Condition) -> NDArray[np.intp]:
        """Row numbers of the cells of one condition."""
        return np.flatnonzero(self.condition_of == self.conditions.index(condition))

    def log_normalised(self, block: sp.csr_matrix, start: int) -> sp.csr_matrix:
        """Bring a block of rows that begins at cell `start` to ln(1 + CP10K)."""
        sizes = self.cells["library_size"].to_numpy()[start : start + block.shape[0]]
        return self._normalise(block, sizes)

    def log_normalised_blocks(self) -> Iterator[tuple[int, sp.csr_matrix]]:
        """Yield (first row, rows in ln(1 + CP10K)) from the first cell to the last."""
        for start, block in self.matrix.blocks():
            yield start, self.log_normalised(block, start)

    def log_normalised_rows(self, index: NDArray[np.intp]) -> sp.csr_matrix:
        """Return the given cells in ln(1 + CP10K)."""
        return self._normalise(self.matrix.rows(index), self.cells["library_size"].to_numpy()[index])

    def _normalise(self, block: sp.csr_matrix, sizes: NDArray[np.floating]) -> sp.csr_matrix:
        values = sp.csr_matrix(block, dtype=np.float64, copy=True)
        if self.scale == "log1p":
            return values
        values.data *= np.repeat(NORMALISATION_TARGET / sizes, np.diff(values.indptr))
        np.log1p(values.data, out=values.data)
        return values

    def with_genes(self, columns: NDArray[np.intp]) -> Screen:
        """Keep the genes in the given columns; library sizes stay those of the whole library."""
        matrix: Matrix
        if isinstance(self.matrix, FileMatrix):
            held = self.matrix.columns
            matrix = replace(self.matrix, columns=columns if held is None else held[columns])
        elif isinstance(self.matrix, StoreMatrix):
            matrix = self.matrix.with_columns(columns)
        else:
            assert isinstance(self.matrix, MemoryMatrix)
            matrix = MemoryMatrix(self.matrix.values[:, columns])
        return replace(self, matrix=matrix, genes=self.genes[columns])
