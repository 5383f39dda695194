"""Which cells are meant: every way in which numpy picks rows, checked before any memory is touched."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pajamo.errors import DataError

Rows: TypeAlias = ArrayLike | slice


def row_numbers(rows: Rows, cells: int) -> NDArray[np.int64]:
    """Row numbers, shape (chosen,): of a number, a list or array of numbers, a slice, or a mask over all cells.

    Negative numbers count from the last cell. One number is one row, never a row of fewer dimensions.

    Raises
    ------
    DataError: a row that does not exist, a mask of another length, or something that does not number rows.
    """
    if isinstance(rows, slice):
        return np.arange(*rows.indices(cells), dtype=np.int64)
    found = np.atleast_1d(np.asarray(rows))
    if found.dtype.kind == "b":
        return np.flatnonzero(_mask(found, cells)).astype(np.int64)
    if found.size == 0:
        return np.zeros(0, dtype=np.int64)
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise DataError(
            f"rows of cells are given as {found.dtype} of shape {found.shape}",
            where="index of cells",
            why="cells are numbered",
            fix="give numbers, a slice or a mask; of names: store.obs.index.get_indexer(names)",
        )
    lowest, highest = int(found.min()), int(found.max())
    if lowest < -cells or highest >= cells:
        raise DataError(
            f"there is no cell {highest if highest >= cells else lowest}",
            where="index of cells",
            why=f"the store has {cells:,} cells, numbered from 0 to {cells - 1:,}",
        )
    numbers = found.astype(np.int64)
    return np.where(numbers < 0, numbers + cells, numbers) if lowest < 0 else numbers


def _mask(mask: NDArray[np.bool_], cells: int) -> NDArray[np.bool_]:
    if mask.shape != (cells,):
        raise DataError(
            f"the mask has shape {mask.shape}, not ({cells},)",
            where="index of cells",
            why="a mask says yes or no to every cell",
        )
    return mask
