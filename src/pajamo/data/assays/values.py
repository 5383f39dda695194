"""Numbers of a table, checked for what an instrument can record."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.assays.tables import Table
from pajamo.errors import DataError

Values = NDArray[np.float64]


def counts(table: Table, name: str) -> Values:
    """Reads: whole numbers from 0.

    Raises
    ------
    DataError: a value is missing, negative, infinite, a fraction, or no number; the first such row is shown.
    """
    values = numbers(table, name, "write 0 where there was no read")
    _refuse(table, name, values < 0, "read counts cannot be negative", "give counts as they were read")
    fraction = values != np.floor(values)
    _refuse(
        table,
        name,
        fraction,
        "read counts are whole numbers",
        "give counts as they were read, neither scaled nor corrected for depth",
    )
    return values


def standard_errors(table: Table, name: str) -> Values:
    """Standard errors: above 0.

    Raises
    ------
    DataError: a value is missing, zero, negative, infinite, or no number; the first such row is shown.
    """
    values = numbers(table, name, "remove rows without an error, or do not name the column as `error`")
    _refuse(
        table,
        name,
        values <= 0,
        "a standard error is above zero; a row with none would outweigh all others",
        "remove these rows, or give the error that a single reading has",
    )
    return values


def concentrations(table: Table, name: str) -> Values:
    """Concentrations of an input: from 0.

    Raises
    ------
    DataError: a value is missing, negative, infinite, or no number; the first such row is shown.
    """
    values = numbers(table, name, "give every row its concentration")
    _refuse(table, name, values < 0, "a concentration cannot be negative", "give it on a linear scale")
    return values


def numbers(table: Table, name: str, fix: str) -> Values:
    """Any finite numbers.

    Raises
    ------
    DataError: a value is missing, infinite, or no number; the first such row is shown.
    """
    column = table.column(name)
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    text = np.isnan(values) & column.notna().to_numpy()
    _refuse(table, name, text, "these are not numbers", f"name a column of numbers in place of {name!r}")
    _refuse(table, name, ~np.isfinite(values), "a value is missing or infinite", fix)
    return values


def _refuse(table: Table, name: str, which: NDArray[np.bool_], why: str, fix: str) -> None:
    if not which.any():
        return
    value = table.column(name).iloc[int(np.argmax(which))]
    raise DataError(
        f"column {name!r} holds {int(which.sum())} values that cannot be used",
        where=f"{table.at(which)}: {value!s}",
        why=why,
        fix=fix,
    )
