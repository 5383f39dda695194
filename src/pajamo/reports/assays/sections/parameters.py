"""Every parameter of the mechanism with its interval and unit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pajamo.reports.assays.estimates import estimates
from pajamo.reports.assays.fits import convergence
from pajamo.reports.assays.folder import AssayRun
from pajamo.reports.blocks import Cell, Column, Section, Table
from pajamo.reports.downloads import csv_link
from pajamo.reports.rows import records
from pajamo.reports.sections.models import file_name
from pajamo.reports.wording import blank, count, interval, number, printable

MOST_ROWS = 40


def parameters(run: AssayRun) -> Section | None:
    """A table a mechanism; letters' weights are in the matrices below."""
    tables = [(name, estimates(run, name)) for name in run.mechanisms]
    blocks = tuple(_table(run, name, own) for name, own in tables if len(own))
    if not blocks:
        return None
    return Section(
        "parameters",
        "Parameters",
        f"Free energies in {run.energy_unit} (negative binds or attracts), ratios and rates, with {run.level:.0%} "
        "intervals. "
        "Profile intervals hold whatever the shape of the likelihood; Laplace intervals are symmetric by "
        "construction, and too narrow where a valley bends. An open end means that the data set none there.",
        blocks,
    )


def _table(run: AssayRun, model: str, table: pd.DataFrame) -> Table:
    failed = convergence(run, model).failed
    rows = tuple(_row(row, failed) for row in records(table.head(MOST_ROWS)))
    hidden = len(table) - len(rows)
    head = (
        Column("quantity"),
        Column("value", True, "small: the same in kT"),
        Column("interval", True),
        Column("unit"),
        Column("interval by"),
        Column("what the data say"),
    )
    warned = ", of a fit that did not converge: not to be interpreted" if failed else ""
    return Table(
        head,
        rows,
        f"{printable(model)}: {count(len(table))} quantities{warned}",
        f"and {count(hidden)} more" if hidden > 0 else "",
        downloads=csv_link(table, f"parameters-{file_name(model)}", run.file("parameters")),
    )


def _row(row: dict[str, Any], failed: bool) -> tuple[Cell, ...]:
    in_kT = "" if blank(row.get("value_kT")) else f"{number(row['value_kT'])} kT"
    return (
        Cell.name(row["of"], printable(row["quantity"])),
        Cell(number(row["value"]), in_kT, tone="quiet" if failed else ""),
        Cell(ends(row["low"], row["high"]), tone="quiet" if failed else ""),
        Cell.name(row["unit"]),
        Cell.name(row["method"]),
        Cell("" if blank(row["verdict"]) else printable(row["verdict"])),
    )


def ends(low: object, high: object) -> str:
    """An interval in words, where an end may be open; a dash where none was made."""
    if blank(low) and blank(high):
        return "–"
    below, above = (not blank(end) and bool(np.isfinite(float(str(end)))) for end in (low, high))
    if below and above:
        return interval(low, high, 3)
    if below:
        return f"above {number(low)}"
    return f"below {number(high)}" if above else "open at both ends"
