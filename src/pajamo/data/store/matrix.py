"""A store as the matrix of a screen, so that every model trains from it as from an AnnData."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from pajamo.data.matrix import BLOCK_CELLS
from pajamo.data.store.store import CellStore


@dataclass(frozen=True)
class StoreMatrix:
    """Cells by genes of a store, all genes or the given columns."""

    store: CellStore
    columns: NDArray[np.intp] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Number of cells and of genes."""
        cells, genes = self.store.shape
        return cells, genes if self.columns is None else len(self.columns)

    def blocks(self, cells: int = BLOCK_CELLS) -> Iterator[tuple[int, sp.csr_matrix]]:
        """Yield (first row, block of rows)."""
        for start in range(0, self.shape[0], cells):
            yield start, self._select(self.store.rows(slice(start, start + cells)))

    def rows(self, index: NDArray[np.intp]) -> sp.csr_matrix:
        """Return the given rows in the given order."""
        return self._select(self.store.rows(index))

    def with_columns(self, columns: NDArray[np.intp]) -> StoreMatrix:
        """The same cells, fewer of the genes."""
        return StoreMatrix(self.store, columns if self.columns is None else self.columns[columns])

    def _select(self, block: sp.csr_matrix) -> sp.csr_matrix:
        return block if self.columns is None else block[:, self.columns]
