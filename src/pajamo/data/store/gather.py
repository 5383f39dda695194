"""Picking cells out of the flat arrays of a store with numpy alone: a fixed number of array operations a batch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def spans(starts: Array, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First value of each row, and how many it has; shape (rows,) each."""
    first = starts[rows].astype(np.int64)
    return first, starts[rows + 1].astype(np.int64) - first


def fill_dense(
    values: Array, columns: Array, first: NDArray[np.int64], lengths: NDArray[np.int64], out: Array
) -> bool:
    """Write the rows that begin at `first` into `out`, shape (rows, genes), zeros included.

    Returns
    -------
    False if a column lies outside of `out`, which is then unusable.
    """
    picked = _positions(first, lengths)
    genes = columns[picked]
    if genes.size and int(genes.max()) >= out.shape[1]:
        return False
    place = np.repeat(np.arange(len(first)) * out.shape[1], lengths)
    place += genes
    out.fill(0)
    # A conversion of its own is faster than one within the assignment to scattered places.
    out.reshape(-1)[place] = values[picked].astype(out.dtype)
    return True


def copy_rows(
    values: Array,
    columns: Array,
    first: NDArray[np.int64],
    lengths: NDArray[np.int64],
    data: Array,
    indices: Array,
) -> None:
    """Write values and columns of the rows that begin at `first`, one row behind the other."""
    picked = _positions(first, lengths)
    data[:] = values[picked]
    indices[:] = columns[picked]


def _positions(first: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Position of every value of the rows: first, first + 1, ..., row after row."""
    ends = np.cumsum(lengths)
    positions = np.repeat(first - ends + lengths, lengths)
    positions += np.arange(len(positions))
    return positions
