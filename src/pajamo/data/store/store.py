"""A cell store opened for reading: random cells as CSR or dense minibatches, straight from the mapped arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pajamo.data.mapped import MappedFolder
from pajamo.data.store.format import (
    COLUMNS,
    KIND,
    LIBRARY,
    STARTS,
    VALUES,
    VERSION,
    WIDE_STARTS,
    exact_type,
)
from pajamo.data.store.gather import spans
from pajamo.data.store.rows import Rows, row_numbers
from pajamo.data.store.stored_cells import Array, StoredCells, compiled
from pajamo.errors import DataError, IntegrityError

if TYPE_CHECKING:
    import scipy.sparse as sp

    from pajamo.data.store.tables import StoredTables


@dataclass(frozen=True, eq=False)
class CellStore(StoredCells):
    """Cells by genes in a folder of flat arrays; what is read is always a copy, and never changes the files.

    Attributes
    ----------
    folder: the files and their manifest.
    values, columns, starts: the mapped arrays; see `pajamo.data.store.format`.
    library_size: molecules of each cell over all genes of the file it came from, also those that the store left
        out; shape (cells,), mapped. For values that are no counts it is their sum.
    with_numba: whether batches are gathered by compiled code.
    """

    folder: MappedFolder
    values: Array
    columns: Array
    starts: Array
    library_size: Array
    with_numba: bool

    @classmethod
    def open(cls, path: str | Path, *, numba: bool | None = None) -> CellStore:
        """Open a store; takes milliseconds, whatever its size.

        Parameters
        ----------
        path: of the folder.
        numba: whether to gather batches by compiled code; where it is installed if not said. Results are equal.

        Raises
        ------
        DataError: a file, which is to be made a store first.
        IntegrityError: no such store, one that was never finished, a newer one, or files missing or cut off.
        MissingExtraError: numba is asked for and not installed.
        """
        if Path(path).is_file():
            raise DataError(
                "this is a file, not a store", where=str(path), fix=f"pajamo store build {path} NAME.pstore"
            )
        folder = MappedFolder.open(Path(path), KIND, VERSION)
        pointers = WIDE_STARTS if WIDE_STARTS in folder.manifest.arrays else STARTS
        values, columns, starts, sizes = (folder.array(name) for name in (VALUES, COLUMNS, pointers, LIBRARY))
        if not len(values) == len(columns) or not len(starts) == len(sizes) + 1:
            raise _damaged(folder.path, "its arrays do not have the same number of cells or of values")
        return cls(folder, values, columns, starts, sizes, compiled(numba))

    def __reduce__(self) -> tuple[Any, ...]:
        # A worker opens the files itself: what is mapped is not sent to it.
        return _opened, (str(self.path), self.with_numba)

    @property
    def path(self) -> Path:
        """The folder."""
        return self.folder.path

    @property
    def facts(self) -> dict[str, Any]:
        """What the store remembers of how it was made: value type, layer, sources, ..."""
        return self.folder.facts

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.starts) - 1

    @cached_property
    def tables(self) -> StoredTables:
        """Tables of cells and genes, and what their files noted.

        Raises
        ------
        IntegrityError: the tables were altered, or do not fit the arrays.
        """
        # anndata takes a second to import: a process that only reads batches does without it.
        from pajamo.data.store.tables import read_tables

        return read_tables(self.folder, self.shape)

    def rows(self, index: Rows, dtype: DTypeLike | None = None) -> sp.csr_matrix:
        """The chosen cells, in the order given, as CSR of all genes' width.

        Parameters
        ----------
        index: row numbers, a slice, or a mask over all cells; negative numbers count from the last cell.
        dtype: of the values; by default the floating-point type that holds each of them exactly.

        Raises
        ------
        DataError: rows that do not exist.
        IntegrityError: the arrays contradict one another.
        """
        # Imported here: a process that only reads dense batches does without it, and without pandas.
        import scipy.sparse as sp

        first, lengths = self._spans(row_numbers(index, self.n_cells))
        pointers = np.concatenate(([0], np.cumsum(lengths)))
        # Both index arrays of one type, chosen here once: scipy would convert them at every use otherwise.
        kind = np.int32 if pointers[-1] < 1 << 31 else np.int64
        indices = np.empty(pointers[-1], dtype=kind)
        data = np.empty(pointers[-1], dtype=dtype or exact_type(self.values.dtype))
        self._gather.copy_rows(self.values, self.columns, first, lengths, data, indices)
        if indices.size and int(indices.max()) >= self.shape[1]:
            raise _damaged(self.path, "a column lies outside of the genes")
        return sp.csr_matrix((data, indices, pointers.astype(kind)), shape=(len(first), self.shape[1]))

    __getitem__ = rows

    def dense(self, index: Rows, out: Array | None = None, dtype: DTypeLike = np.float32) -> Array:
        """The chosen cells, in the order given, as a dense array of shape (cells, genes).

        Parameters
        ----------
        index: as for `rows`.
        out: array to write into, of the right shape and contiguous, which saves making one; its type counts.
        dtype: of a new array: float32, float64, or another type that holds every value of the store.

        Raises
        ------
        DataError: rows that do not exist, an `out` that does not fit, or a type that cannot hold the values.
        IntegrityError: the arrays contradict one another.
        """
        rows = row_numbers(index, self.n_cells)
        shape = (len(rows), self.shape[1])
        batch = np.empty(shape, dtype) if out is None else out
        self._require_fitting(batch, shape)
        first, lengths = self._spans(rows)
        if not self._gather.fill_dense(self.values, self.columns, first, lengths, batch):
            raise _damaged(self.path, "a column lies outside of the genes")
        return batch

    def verify(self) -> None:
        """Read every byte and compare it with the checksums; then the tables with the arrays.

        Raises
        ------
        IntegrityError: naming the file and the block that differ.
        """
        from pajamo.data.store.tables import read_tables

        self.folder.verify()
        read_tables(self.folder, self.shape)

    def _stored_tables(self) -> StoredTables:
        return self.tables

    def _spans(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        first, lengths = spans(self.starts, rows)
        sound = not len(rows) or (
            int(first.min()) >= 0
            and int(lengths.min()) >= 0
            and int(lengths.max()) <= self.shape[1]
            and int((first + lengths).max()) <= len(self.values)
        )
        if not sound:
            raise _damaged(self.path, "the cells' values do not lie one behind the other")
        return first, lengths


def _damaged(path: Path, why: str) -> IntegrityError:
    fix = "build it again, or take it from a backup"
    return IntegrityError("the store is damaged", where=str(path), why=why, fix=fix)


def _opened(path: str, numba: bool) -> CellStore:
    return CellStore.open(path, numba=numba)
