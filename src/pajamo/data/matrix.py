"""A matrix of cells by genes that is read block by block, whether it lies in memory or in a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import h5py
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

BLOCK_CELLS = 4096
"""Cells read at once: at 20,000 genes of which a tenth are seen, about 100 MB."""


class Matrix(Protocol):
    """Cells by genes; both ways of reading give CSR blocks of the recorded values."""

    @property
    def shape(self) -> tuple[int, int]:
        """Number of cells and of genes."""
        ...

    def blocks(self, cells: int = BLOCK_CELLS) -> Iterator[tuple[int, sp.csr_matrix]]:
        """Yield (first row, block of rows) from the first cell to the last."""
        ...

    def rows(self, index: NDArray[np.intp]) -> sp.csr_matrix:
        """Return the given rows in the given order."""
        ...


@dataclass(frozen=True)
class MemoryMatrix:
    """Values held in memory as CSR."""

    values: sp.csr_matrix

    @property
    def shape(self) -> tuple[int, int]:
        """Number of cells and of genes."""
        return int(self.values.shape[0]), int(self.values.shape[1])

    def blocks(self, cells: int = BLOCK_CELLS) -> Iterator[tuple[int, sp.csr_matrix]]:
        """Yield (first row, block of rows)."""
        for start in range(0, self.shape[0], cells):
            yield start, self.values[start : start + cells]

    def rows(self, index: NDArray[np.intp]) -> sp.csr_matrix:
        """Return the given rows in the given order."""
        return self.values[index]


@dataclass(frozen=True)
class FileMatrix:
    """Values that stay in an HDF5 file (an h5ad's X or a layer, CSR or dense) and are read when asked for."""

    path: Path
    key: str
    columns: NDArray[np.intp] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Number of cells and of genes."""
        with h5py.File(self.path, "r") as file:
            cells, genes = _stored_shape(file[self.key])
        return cells, genes if self.columns is None else len(self.columns)

    def blocks(self, cells: int = BLOCK_CELLS) -> Iterator[tuple[int, sp.csr_matrix]]:
        """Yield (first row, block of rows), reading each block once."""
        with h5py.File(self.path, "r") as file:
            node = file[self.key]
            total, _ = _stored_shape(node)
            pointers = node["indptr"][:] if isinstance(node, h5py.Group) else None
            for start in range(0, total, cells):
                yield start, self._select(_read_rows(node, start, min(start + cells, total), pointers))

    def rows(self, index: NDArray[np.intp]) -> sp.csr_matrix:
        """Return the given rows in the given order, reading each block that holds one of them."""
        wanted = np.asarray(index)
        order = np.argsort(wanted, kind="stable")
        ordered = wanted[order]
        parts = []
        for start, block in self.blocks():
            first, last = np.searchsorted(ordered, [start, start + block.shape[0]])
            if last > first:
                parts.append(block[ordered[first:last] - start])
        stacked = sp.vstack(parts, format="csr") if parts else sp.csr_matrix((0, self.shape[1]))
        # One more copy of what may be most of the matrix, only where it is needed.
        in_order = bool((np.diff(order) > 0).all())
        return stacked if in_order else stacked[np.argsort(order, kind="stable")]

    def _select(self, block: sp.csr_matrix) -> sp.csr_matrix:
        return block if self.columns is None else block[:, self.columns]


def _stored_shape(node: h5py.Group | h5py.Dataset) -> tuple[int, int]:
    cells, genes = node.attrs["shape"] if isinstance(node, h5py.Group) else node.shape
    return int(cells), int(genes)


def _read_rows(
    node: h5py.Group | h5py.Dataset, start: int, stop: int, pointers: NDArray[np.integer] | None
) -> sp.csr_matrix:
    if pointers is None:
        return sp.csr_matrix(node[start:stop])
    first, last = int(pointers[start]), int(pointers[stop])
    block = sp.csr_matrix(
        (node["data"][first:last], node["indices"][first:last], pointers[start : stop + 1] - first),
        shape=(stop - start, _stored_shape(node)[1]),
    )
    block.sum_duplicates()
    return block
