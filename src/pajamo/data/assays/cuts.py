"""Which sites of a table were found cut, and which were not."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pajamo.data.assays.tables import Table
from pajamo.data.assays.values import Values
from pajamo.errors import DataError

MEANT = {"1": 1.0, "1.0": 1.0, "true": 1.0, "0": 0.0, "0.0": 0.0, "false": 0.0}
"""What tables write for yes and no, in any case."""


def labels(table: Table, name: str) -> Values:
    """1 where a site was found, 0 where it was not; shape (rows,).

    Raises
    ------
    DataError: a value is neither; or there is no site of one kind.
    """
    codes, found = pd.factorize(table.column(name))
    meant = np.array([MEANT.get(str(value).strip().lower(), np.nan) for value in found] + [np.nan])
    values: Values = meant[codes]
    unknown = np.isnan(values)
    if unknown.any():
        shown = table.column(name).iloc[int(np.argmax(unknown))]
        raise DataError(
            f"column {name!r} holds {int(unknown.sum())} values that are neither yes nor no",
            where=f"{table.at(unknown)}: {shown!s}",
            why="a site was found cut, or it was not",
            fix="write 1 or 0; for numbers of reads, first choose the least number that counts as cut",
        )
    for value, kind in ((1.0, "positive"), (0.0, "negative")):
        if not (values == value).any():
            raise DataError(
                f"there are no {kind}s: every label is {1 - value:g}",
                where=f"{table.where}, column {name!r}",
                why="what tells sites that are cut from others can only be learned from both",
                fix="add the sites that were searched and not found"
                if value == 0
                else "check the column, or add the sites that were found",
            )
    return values
