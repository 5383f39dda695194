"""A compressed store of cells: read like a store, for what is kept cold or far away.

Cells are compressed block by block. A batch of cells whose blocks are in the cache costs about what it costs from a
store; a cell of another block costs the reading of that block. For an order that knows no blocks, give the cache room
for all of them, or unpack the store; else visit blocks in turn (`pajamo.training.streams.blocks`).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import DTypeLike, NDArray

from pajamo.data.store.block_cache import BlockCache
from pajamo.data.store.format import exact_type
from pajamo.data.store.packed_blocks import PackedBlocks
from pajamo.data.store.packed_format import Place
from pajamo.data.store.rows import Rows, row_numbers
from pajamo.data.store.stored_cells import Array, StoredCells, compiled

if TYPE_CHECKING:
    from pajamo.data.store.tables import StoredTables

CACHE_BYTES = 64_000_000


@dataclass(frozen=True, eq=False)
class CompressedStore(StoredCells):
    """Cells by genes in a zarr group; what is read is always a copy.

    Attributes
    ----------
    blocks: its arrays.
    cache_bytes: memory for uncompressed blocks.
    with_numba: whether batches are gathered by compiled code.
    """

    blocks: PackedBlocks
    cache_bytes: int
    with_numba: bool

    @classmethod
    def open(
        cls, place: Place, *, cache_bytes: int = CACHE_BYTES, numba: bool | None = None
    ) -> CompressedStore:
        """Open a compressed store; blocks are read when a cell of theirs is asked for.

        Parameters
        ----------
        place: a folder, an address that zarr can open (with the libraries that it needs), or a zarr store.
        cache_bytes: memory for uncompressed blocks; one block is always kept.
        numba: whether to gather batches by compiled code; where it is installed if not said. Results are equal.

        Raises
        ------
        IntegrityError: no such group, another kind, a newer one, or an altered head.
        MissingExtraError: numba is asked for and not installed.
        """
        blocks = PackedBlocks.open(place)
        return cls(blocks, cache_bytes, compiled(numba))

    def __reduce__(self) -> tuple[Any, ...]:
        # A worker opens the group itself and has a cache of its own.
        return _opened, (self.blocks.place, self.cache_bytes, self.with_numba)

    @property
    def facts(self) -> dict[str, Any]:
        """Facts of the store that was compressed: value type, layer, sources, ..."""
        return self.blocks.head.facts

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return self.blocks.n_cells

    @property
    def block_cells(self) -> int:
        """Cells that are compressed together."""
        return self.blocks.block_cells

    @cached_property
    def tables(self) -> StoredTables:
        """Tables of cells and genes, and what their files noted; read on first use.

        Raises
        ------
        IntegrityError: they were altered.
        """
        from pajamo.data.store.packed_tables import tables_from

        return tables_from(self.blocks.tables_bytes())

    @property
    def library_size(self) -> Array:
        """Molecules of each cell over all genes of the file it came from; shape (cells,)."""
        return self.blocks.library_size

    def verify(self) -> None:
        """Read every byte and compare it with the checksums.

        Raises
        ------
        IntegrityError: naming the array or the block that differs.
        """
        self.blocks.verify()

    def rows(self, index: Rows, dtype: DTypeLike | None = None) -> sp.csr_matrix:
        """The chosen cells, in the order given, as CSR of all genes' width.

        Parameters
        ----------
        index: row numbers, a slice, or a mask over all cells; negative numbers count from the last cell.
        dtype: of the values; by default the floating-point type that holds each of them exactly.

        Raises
        ------
        DataError: rows that do not exist.
        IntegrityError: a block was altered, truncated or is missing; it is named.
        """
        rows = row_numbers(index, self.n_cells)
        order, parts = self._parts(rows)
        blocks = [self._sparse(part, dtype) for part in parts]
        if len(blocks) == 1:
            return blocks[0]
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        stacked: sp.csr_matrix = sp.vstack(blocks, format="csr")[back]
        return stacked

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
        IntegrityError: a block was altered, truncated or is missing; it is named.
        """
        rows = row_numbers(index, self.n_cells)
        shape = (len(rows), self.shape[1])
        batch = np.empty(shape, dtype) if out is None else out
        self._require_fitting(batch, shape)
        order, parts = self._parts(rows)
        if len(parts) == 1:
            self._fill(parts[0], batch)
            return batch
        done = 0
        for part in parts:
            some = np.empty((len(part), shape[1]), batch.dtype)
            self._fill(part, some)
            batch[order[done : done + len(part)]] = some
            done += len(part)
        return batch

    @cached_property
    def _cache(self) -> BlockCache:
        held = self.blocks
        return BlockCache(held.read, held.n_blocks, held.width, held.types, self.cache_bytes)

    @cached_property
    def _lock(self) -> threading.Lock:
        return threading.Lock()

    def _stored_tables(self) -> StoredTables:
        return self.tables

    def _parts(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[NDArray[np.int64]]]:
        """Rows in parts whose blocks fit into the cache together, and where each of them belongs."""
        block = rows // self.block_cells
        order = np.arange(len(rows))
        if len(rows) <= self._cache.capacity or len(np.unique(block)) <= self._cache.capacity:
            return order, [rows]
        order = np.argsort(block, kind="stable")
        rank = np.cumsum(np.diff(block[order], prepend=block[order[0]]) > 0)
        edges = np.flatnonzero(np.diff(rank // self._cache.capacity)) + 1
        return order, np.split(rows[order], edges)

    def _fill(self, rows: NDArray[np.int64], batch: Array) -> None:
        with self._lock:
            first, lengths = self._spans(rows)
            cache = self._cache
            if not self._gather.fill_dense(cache.values, cache.columns, first, lengths, batch):
                raise self.blocks.damaged("a column lies outside of the genes")

    def _sparse(self, rows: NDArray[np.int64], dtype: DTypeLike | None) -> sp.csr_matrix:
        with self._lock:
            first, lengths = self._spans(rows)
            cache = self._cache
            pointers = np.concatenate(([0], np.cumsum(lengths)))
            kind = np.int32 if pointers[-1] < 1 << 31 else np.int64
            indices = np.empty(pointers[-1], dtype=kind)
            data = np.empty(pointers[-1], dtype=dtype or exact_type(cache.values.dtype))
            self._gather.copy_rows(cache.values, cache.columns, first, lengths, data, indices)
        return sp.csr_matrix((data, indices, pointers.astype(kind)), shape=(len(rows), self.shape[1]))

    def _spans(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where the rows' values begin in the cache, and how many there are."""
        starts = self.blocks.starts[rows].astype(np.int64)
        lengths = self.blocks.starts[rows + 1].astype(np.int64) - starts
        block = rows // self.block_cells
        inside = starts - self.blocks.starts[block * self.block_cells].astype(np.int64)
        return self._cache.first_entry(block) + inside, lengths


def _opened(place: Place, cache_bytes: int, numba: bool) -> CompressedStore:
    return CompressedStore.open(place, cache_bytes=cache_bytes, numba=numba)
