"""Writing blocks of cells behind one another into the arrays of a store, and keeping what the tables say of them."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from pajamo.data.mapped import MappedWriter
from pajamo.data.store.format import COLUMNS, LIBRARY, VALUES, ValueType, column_type
from pajamo.data.store.genes import placed, places
from pajamo.data.store.sources import Source
from pajamo.data.store.values import converted, require_possible
from pajamo.errors import IntegrityError

Progress = Callable[[str], None]
SECONDS = 2.0
"""Least time between two lines of progress."""


class Filling:
    """Cells on their way into a store of given genes and value type.

    Parameters
    ----------
    writer: of the folder.
    genes: of the store.
    value_type: of its values.
    starts: name of its array of starts, which holds at least its first entry.
    values: number of values that the store has already.
    gene_cells: for each gene the number of cells in which it was counted so far, shape (genes,).
    progress: is told how far it is.
    """

    def __init__(
        self,
        writer: MappedWriter,
        genes: pd.Index,
        value_type: ValueType,
        starts: str,
        *,
        values: int = 0,
        gene_cells: NDArray[np.int64] | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._writer, self.genes, self.value_type, self._starts = writer, genes, value_type, starts
        self.values = values
        self.gene_cells = np.zeros(len(genes), dtype=np.int64) if gene_cells is None else gene_cells.copy()
        self.largest, self.whole = 0.0, True
        self._progress = progress or (lambda _: None)
        self._said = time.monotonic()

    def add(self, source: Source) -> None:
        """Write all cells of a source.

        Raises
        ------
        DataError: values that cannot be, or that the type does not hold; the cell and the gene are named.
        IntegrityError: the source gives another number of cells than it names, or is damaged.
        StorageError: the disk is full or refuses.
        """
        to, done = places(source.var.index, self.genes), 0
        for block in source.blocks():
            cells = source.obs.index[done : done + block.shape[0]]
            self._add_block(block, to, source, cells)
            done += block.shape[0]
            self._say(f"{source.file}: {done:,} of {len(source.obs):,} cells")
        if done != len(source.obs):
            raise IntegrityError(
                f"the matrix has {done:,} cells, but {len(source.obs):,} are named", where=source.name
            )

    def _add_block(
        self, block: sp.csr_matrix, to: NDArray[np.int64] | None, source: Source, cells: pd.Index
    ) -> None:
        require_possible(block, source.name, cells, source.var.index)
        sizes = _row_sums(block)
        block = placed(block, to, len(self.genes))
        values = converted(block, self.value_type, source.name, cells, self.genes)
        self._writer.write(VALUES, values)
        self._writer.write(COLUMNS, block.indices.astype(column_type(len(self.genes))))
        self._writer.write(self._starts, block.indptr[1:].astype(np.int64) + self.values)
        self._writer.write(LIBRARY, sizes, library_type(self.value_type))
        self.values += block.nnz
        self.gene_cells += np.bincount(block.indices, minlength=len(self.genes))
        self.largest = max(self.largest, float(values.max(initial=0)))
        self.whole = self.whole and (values.dtype.kind == "u" or bool((values == np.rint(values)).all()))

    def _say(self, text: str) -> None:
        if time.monotonic() - self._said > SECONDS:
            self._progress(text)
            self._said = time.monotonic()


def library_type(value_type: str) -> str:
    """Type of library sizes: whole molecules where values are counts, unless these alone fill 32 bits."""
    return "uint32" if value_type in ("uint8", "uint16") else "float64"


def _row_sums(block: sp.csr_matrix) -> NDArray[np.float64]:
    rows = np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
    return np.bincount(rows, weights=block.data, minlength=block.shape[0]).astype(np.float64)
