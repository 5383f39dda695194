"""Estimates of a mechanism's parameters as the run's tables hold them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pajamo.reports.assays.folder import AssayRun
from pajamo.reports.assays.readers import ARBITRARY
from pajamo.reports.figures.assays.energy_matrix import EnergyMatrix

COLUMNS = ("model", "quantity", "of", "value", "low", "high", "unit", "method", "verdict")


def estimates(run: AssayRun, model: str) -> pd.DataFrame:
    """Estimates of one model, a row a quantity; without the table there are no rows.

    An end of an interval that is infinite was not set by the data; a missing one was not looked for.
    """
    table = run.table("parameters")
    if table is None:
        return pd.DataFrame(columns=list(COLUMNS))
    return table[table["model"] == model]


def profiled(run: AssayRun, model: str) -> pd.DataFrame:
    """Columns quantity, value, low, high of the constants that a profile can be of, by their own name."""
    own = estimates(run, model)
    own = own[own["method"] == "profile"]
    return own.drop(columns="quantity").rename(columns={"of": "quantity"})


def tabled_matrices(table: pd.DataFrame, model: str, alphabet: str) -> list[EnergyMatrix]:
    """Energy matrices from the run's table of letters, which has one row a site, position and letter."""
    own = table[table["model"] == model] if "model" in table else table
    return [_matrix(str(site), rows, alphabet) for site, rows in own.groupby("site", sort=False)]


def _matrix(site: str, rows: pd.DataFrame, alphabet: str) -> EnergyMatrix:
    def square(column: str) -> np.ndarray:
        wide = rows.pivot(index="position", columns="letter", values=column)
        return np.asarray(wide.reindex(columns=list(alphabet)))

    native = rows[rows["wild_type"].astype(bool)].sort_values("position")["letter"]
    first = int(rows["in_sequence"].iloc[0]) if "in_sequence" in rows else 0
    return EnergyMatrix(
        site,
        square("value").astype(float),
        alphabet,
        "".join(native),
        max(first, 0),
        square("observed").astype(bool),
        ARBITRARY if str(rows["unit"].iloc[0]) == "1" else str(rows["unit"].iloc[0]),
    )
