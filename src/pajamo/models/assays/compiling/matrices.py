"""Prior energy matrices, in kcal/mol."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.assays.tables import read_table
from pajamo.errors import DataError

Array = NDArray[np.float64]
POSITION_COLUMNS = ("pos", "position", "Unnamed: 0")
"""Columns that only number the rows."""


def prior_matrix(
    given: Path | tuple[tuple[float, ...], ...] | None, length: int, letters: str, where: str
) -> Array | None:
    """A prior matrix in kcal/mol, shape (length, letters), in the order of the alphabet.

    Raises
    ------
    DataError: there is no such file, or it has other letters, another number of positions, or no finite numbers.
    """
    if given is None:
        return None
    if isinstance(given, Path):
        where = f"{where}: {given}"
        return _checked(_letters_in_order(read_table(given), letters, where), length, letters, where)
    widths = {len(row) for row in given}
    if widths != {len(letters)}:
        raise DataError(
            f"a prior matrix needs {len(letters)} numbers for each position",
            where=where,
            why=f"rows have {', '.join(map(str, sorted(widths))) or 'no'} numbers; the alphabet is {letters}",
        )
    return _checked(np.array(given, dtype=float), length, letters, where)


def _letters_in_order(table: pd.DataFrame, letters: str, where: str) -> Array:
    columns = [str(name) for name in table.columns if str(name) not in POSITION_COLUMNS]
    if sorted(columns) != sorted(letters):
        raise DataError(
            "a prior matrix needs one column for each letter of the alphabet",
            where=where,
            why=f"its columns are {', '.join(columns)}; the alphabet is {letters}",
            fix=f"a first line {','.join(letters)}, and below it one line for each position",
        )
    try:
        return np.asarray(table[list(letters)].to_numpy(dtype=float))
    except ValueError as error:
        raise DataError("a prior matrix holds text", where=where, why=str(error)) from None


def _checked(matrix: Array, length: int, letters: str, where: str) -> Array:
    if len(matrix) != length:
        raise DataError(
            f"a prior matrix for {length} positions has {len(matrix)} rows",
            where=where,
            fix="give the site the length of its matrix, or the matrix of the site",
        )
    if not np.isfinite(matrix).all():
        row, column = np.argwhere(~np.isfinite(matrix))[0]
        raise DataError("a prior matrix lacks a number", where=f"{where}, position {row}, {letters[column]}")
    return matrix
