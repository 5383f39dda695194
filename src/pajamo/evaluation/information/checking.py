"""What an estimate of information accepts: one gate for predictions, reads and values."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pajamo.errors import DataError
from pajamo.evaluation.information.estimate import Array

Reads = NDArray[np.int64]


def finite_column(values: ArrayLike, name: str) -> Array:
    """One finite number a row, shape (rows,).

    Raises
    ------
    DataError: not one number a row, none at all, or one that is not finite.
    """
    column = np.asarray(values, dtype=np.float64)
    if column.ndim != 1 or not len(column):
        raise DataError(f"{name} has shape {column.shape}, and needs one number a row")
    wrong = np.flatnonzero(~np.isfinite(column))
    if len(wrong):
        raise DataError(
            f"{name} is not finite in {len(wrong)} of {len(column)} rows",
            where=f"row {wrong[0]}",
            fix="leave these rows out, of everything that is compared",
        )
    return column


def read_table(reads: ArrayLike) -> Reads:
    """Number of reads of each row in each bin, shape (rows, bins).

    Raises
    ------
    DataError: not a table, a count that is negative or no whole number, or no read at all.
    """
    table = np.asarray(reads, dtype=np.float64)
    if table.ndim != 2 or not table.size:
        raise DataError(f"read counts have shape {table.shape}, and need rows and bins")
    wrong = np.argwhere(~(np.isfinite(table) & (table >= 0) & (table == np.floor(table))))
    if len(wrong):
        row, column = wrong[0]
        raise DataError(
            f"a read count is {table[row, column]}",
            where=f"row {row}, bin {column}",
            why="counts say how often a sequence was read in a bin",
        )
    if not table.any():
        raise DataError("no bin holds any read", fix="check that the columns of counts are the right ones")
    return table.astype(np.int64)


def same_rows(first: int, second: int, name: str) -> None:
    """Refuse two columns of different length.

    Raises
    ------
    DataError: the lengths differ.
    """
    if first != second:
        raise DataError(f"{name} has {second} rows beside {first}", fix="align both by row")


def enough_rows(rows: int, neighbours: int) -> None:
    """Refuse so few rows that half of them have no `neighbours` neighbours.

    Raises
    ------
    DataError: there are fewer than 2 (neighbours + 1) rows.
    """
    least = 2 * (neighbours + 1)
    if rows < least:
        raise DataError(
            f"{rows} rows are too few for an estimate of information",
            why=f"half of them must hold {neighbours} neighbours of each, so that {least} rows are the least",
            fix="bring more rows, or ask for fewer neighbours",
        )
