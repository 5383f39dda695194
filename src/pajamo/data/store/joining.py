"""Tables of several files as one: cells behind one another, genes of a chosen list, notes that all agree on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from pajamo.data.reading.h5ad import FIXES
from pajamo.data.store.sources import PROTOCOL, Source
from pajamo.errors import DataError, shorten, warn


def joined_cells(tables: Sequence[pd.DataFrame], names: Sequence[str]) -> pd.DataFrame:
    """Tables of cells, one behind the other; a column that a file lacks is missing for its cells.

    Raises
    ------
    DataError: a name of a cell, or of a column, occurs twice.
    """
    for table, name in zip(tables, names, strict=True):
        _require_unique(table.columns, "columns of the table of cells", name)
    index = tables[0].index.append([table.index for table in tables[1:]])
    _require_unique(index, "names of cells", shorten(names))
    columns = dict.fromkeys(column for table in tables for column in table.columns)
    return pd.DataFrame({column: _joined(tables, column) for column in columns}, index=index, copy=False)


def _joined(tables: Sequence[pd.DataFrame], column: Any) -> Any:
    if len(tables) == 1:
        return tables[0][column].array
    parts = [table[column] if column in table else pd.Series(np.nan, index=table.index) for table in tables]
    if all(isinstance(part.dtype, pd.CategoricalDtype) for part in parts):
        # Joined as they are they would become texts, one a cell.
        plain = [part.cat.as_unordered() for part in parts]
        if len({part.cat.categories.dtype for part in plain}) == 1:
            return union_categoricals(plain)
    return pd.concat(parts, ignore_index=True).array


def joined_genes(sources: Sequence[Source], genes: pd.Index) -> pd.DataFrame:
    """Table of the store's genes: columns that every file has, each gene as the first file with it describes it."""
    described = pd.concat([source.var for source in sources], join="inner")
    first = described[~described.index.duplicated()]
    table = first.loc[genes]
    table.index = genes
    return table


def joined_notes(notes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the files noted: simulated if any is, everything that was mended, and a protocol that all share."""
    found: dict[str, Any] = {}
    if any(bool(note.get("simulated")) for note in notes):
        found["simulated"] = True
    mended = [str(line) for note in notes for line in note.get(FIXES, ())]
    if mended:
        found[FIXES] = mended
    protocols = {str(note.get(PROTOCOL, "")) for note in notes}
    if protocols != {""} and len(protocols) == 1:
        found[PROTOCOL] = protocols.pop()
    elif len(protocols) > 1:
        warn(
            "the files say different things of what was done to their cells, so the store says nothing of it: "
            "a study of it needs a [protocol] of its own"
        )
    return found


def _require_unique(names: pd.Index, what: str, where: str) -> None:
    repeated = names[names.duplicated()].unique()
    if len(repeated):
        raise DataError(
            f"{len(repeated)} {what} occur more than once: {shorten(repeated)}",
            where=where,
            why="a name must mean one thing; lanes often share their barcodes",
            fix="put the lane into the names: adata.obs_names = lane + '-' + adata.obs_names",
        )
