"""Reading a stored matrix as blocks of cells, however it lies: by cells, by genes or dense, in HDF5 or zarr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from pajamo.data.reading.stored import damaged, require_indices

AT_ONCE = 1 << 20
"""Stored values read at once: about 20 MB while they are turned into rows."""
POINTERS_AT_ONCE = 1 << 16
"""Row pointers read at once: those of ten million cells never lie in memory together."""

Blocks = Iterator[sp.csr_matrix]


def blocks_of(node: Any, layout: str, shape: tuple[int, int], where: str, scratch: Path) -> Blocks:
    """Yield consecutive blocks of cells as CSR, columns ascending and no zeros stored.

    Parameters
    ----------
    node: group or array, of h5py or of zarr.
    layout: "csr", "csc" or "dense".
    where: file and key, for messages.
    scratch: a folder for what a matrix stored by genes needs on its way.

    Raises
    ------
    IntegrityError: pointers or indices that cannot be.
    """
    if layout == "dense":
        yield from _dense_blocks(node, shape)
    elif layout == "csr":
        for _, _, block in line_blocks(node, shape, where, sp.csr_matrix):
            if not block.has_canonical_format:
                block.data = summable(block.data)
                block.sum_duplicates()
            block.eliminate_zeros()
            yield block
    else:
        from pajamo.data.store.by_cell import blocks_by_cell

        yield from blocks_by_cell(node, shape, where, scratch)


def line_blocks(
    node: Any, shape: tuple[int, int], where: str, kind: Callable[..., Any], at_once: int = AT_ONCE
) -> Iterator[tuple[int, int, Any]]:
    """Yield (first line, line behind the last, block) of a compressed matrix: rows of CSR, columns of CSC.

    Parameters
    ----------
    shape: number of lines, and of places in a line.
    kind: makes the block of (values, indices, pointers).

    Raises
    ------
    IntegrityError: the matrix contradicts itself.
    """
    lines, width = shape
    total, at = int(node["data"].shape[0]), 0
    if node["indptr"].shape != (lines + 1,) or node["indices"].shape != (total,):
        raise damaged(where, "the number of pointers or of indices does not fit the shape")
    for begin in range(0, lines, POINTERS_AT_ONCE):
        pointers = node["indptr"][begin : min(begin + POINTERS_AT_ONCE, lines) + 1].astype(np.int64)
        _require_sound(where, pointers, at, total, width)
        at = int(pointers[-1])
        for first, last in _cuts(pointers, at_once):
            low, high = int(pointers[first]), int(pointers[last])
            indices = node["indices"][low:high]
            require_indices(where, indices, width)
            parts = (node["data"][low:high], indices, pointers[first : last + 1] - low)
            block_shape = (last - first, width) if kind is sp.csr_matrix else (width, last - first)
            yield begin + first, begin + last, kind(parts, shape=block_shape)
    if at != total:
        raise damaged(where, "its pointers do not lead to the last value")


def summable(values: NDArray[Any]) -> NDArray[Any]:
    """Counts in a type in which their sums do not wrap around."""
    return values.astype(np.int64) if values.dtype.kind in "ui" else values


def _require_sound(where: str, pointers: NDArray[np.int64], at: int, total: int, width: int) -> None:
    steps = np.diff(pointers)
    if pointers[0] != at or pointers[-1] > total or (steps < 0).any():
        raise damaged(where, "its pointers do not lead from the first value to the last")
    if (steps > width).any():
        raise damaged(where, f"one line holds more than {width} values")


def _cuts(pointers: NDArray[np.int64], at_once: int) -> Iterator[tuple[int, int]]:
    """Ranges of lines with about so many values each, and at least one line."""
    group = (pointers[:-1] - pointers[0]) // at_once
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    yield from zip(starts.tolist(), [*starts[1:].tolist(), len(group)], strict=True)


def _dense_blocks(node: Any, shape: tuple[int, int]) -> Blocks:
    cells, genes = shape
    rows = max(1, 4 * AT_ONCE // max(genes, 1))
    chunk = int(node.chunks[0]) if node.chunks else 1
    # Whole chunks: one that is read in parts is uncompressed as often.
    rows = max(rows // chunk * chunk, min(chunk, rows))
    for start in range(0, cells, rows):
        yield _without_zeros(node[start : min(start + rows, cells)])


def _without_zeros(block: NDArray[Any]) -> sp.csr_matrix:
    """Like scipy's own conversion, at less than half of its time and without 64-bit rows of each value."""
    counted = block != 0
    place = np.flatnonzero(counted)
    pointers = np.concatenate(([0], np.cumsum(np.count_nonzero(counted, axis=1))))
    indices = (place % block.shape[1]).astype(np.int32)
    return sp.csr_matrix((block.reshape(-1)[place], indices, pointers), shape=block.shape)
