"""What is wrong with columns of rates: a rate beside its logarithm, two units in one column, limits of detection."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.assays.tables import Table
from pajamo.data.assays.values import Values

AGREE = 0.01
"""log10 within which two columns say the same rate."""
NEARLY_ALL = 0.9
MOST_GROUPS = 50
"""Different values up to which a column of text tells groups of rows apart."""
FEW = 5
SHARE = 0.01
"""Rows, and their share, that are too many for one number that is exactly the same by chance."""


def twin_columns(table: Table, value: str) -> pd.DataFrame:
    """Columns that hold the same rates as another column does logarithms, or the other way round.

    Returns
    -------
    One row a column: `column`; `is`, "the rate of" or "log10 of"; `value`, the study's column; `rows` that agree.
    """
    own, rows = _numbers(table.frame[value]), []
    for name in table.frame:
        other = _numbers(table.frame[name])
        if name != value:
            for how, one, logarithm in (("the rate of", other, own), ("log10 of", own, other)):
                agree = _agree(one, logarithm)
                if agree:
                    rows.append((str(name), how, value, agree))
    return pd.DataFrame(rows, columns=["column", "is", "value", "rows"])


def _numbers(column: pd.Series) -> Values:
    return pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def _agree(rate: Values, logarithm: Values) -> int:
    """Rows whose rate has the logarithm; 0 unless nearly all do that have both, and these are several."""
    both = np.isfinite(rate) & np.isfinite(logarithm) & (rate > 0)
    if both.sum() < FEW or np.ptp(logarithm[both]) < AGREE:
        return 0
    agree = np.abs(np.log10(rate[both]) - logarithm[both]) < AGREE
    return int(agree.sum()) if agree.mean() >= NEARLY_ALL else 0


def mixed_units(table: Table, value: str) -> pd.DataFrame:
    """Groups of rows that hold rates where the rest of a column holds logarithms of rates.

    A group (a guide, an enzyme, a sheet) counts whose numbers are all above zero while most others are below.

    Returns
    -------
    One row a group: `column`, `group`, `rows`, `lowest`, `highest`, and the first `row` in the file.
    """
    values = _numbers(table.frame[value])
    found = [
        (name, group, int(which.sum()), values[which].min(), values[which].max(), table.rows[which][0])
        for name, group, which in _groups(table, value)
        if which.sum() >= FEW
        and not which.all()
        and (values[which] > 0).all()
        and np.mean(values[~which] < 0) > 1 - NEARLY_ALL
        and np.median(values[~which]) < 0
    ]
    return pd.DataFrame(found, columns=["column", "group", "rows", "lowest", "highest", "row"])


def _groups(table: Table, value: str) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    """Groups of rows by each column of text with few different values."""
    for name in table.frame:
        column = table.frame[name]
        if name == value or pd.api.types.is_float_dtype(column):
            continue
        codes, found = pd.factorize(column)
        if 1 < len(found) <= MOST_GROUPS:
            for code, group in enumerate(found):
                yield str(name), str(group), np.asarray(codes == code)


def pile_ups(value: Values, censored: Values) -> pd.DataFrame:
    """Limits of detection that the study does not name: many resolved rates of exactly the lowest or highest value.

    Returns
    -------
    One row a limit: `limit` ("lower" or "upper"), `value` (log10 of 1/s), `rows`.
    """
    resolved = value[censored == 0]
    rows = []
    for name, end in (("lower", np.min), ("upper", np.max)):
        if len(resolved):
            at = float(end(resolved))
            many = int((resolved == at).sum())
            if many >= max(FEW, SHARE * len(value)):
                rows.append((name, at, many))
    return pd.DataFrame(rows, columns=["limit", "value", "rows"])
