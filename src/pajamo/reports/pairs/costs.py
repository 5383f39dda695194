"""The section of a page on what mismatches and bulges cost."""

from __future__ import annotations

from functools import partial
from typing import Final

import pandas as pd

from pajamo.reports.assays.folder import AssayRun
from pajamo.reports.blocks import Figure, Section
from pajamo.reports.downloads import csv_link
from pajamo.reports.figures.pairs.costs import cost_map
from pajamo.reports.figures.theme import svg
from pajamo.reports.pairs.sections import own_table
from pajamo.reports.wording import printable

MOST_READERS: Final = 8
"""Readers that are drawn; the table holds all."""
MEANINGS: Final = {
    "kT": "what it adds to the free energy of its step, in kT: red costs, blue gains",
    "ln": "what it adds to ln of the rate: red speeds the transition up, blue slows it down",
    "1": "what it adds to the number that the map gives",
}


def costs(run: AssayRun) -> Section | None:
    """A heat map for every linear reader of the leading model."""
    table = own_table(run, "costs")
    if table is None:
        return None
    readers = list(table.groupby("reader", sort=False))
    more = f" {len(readers) - MOST_READERS} more are in the table." if len(readers) > MOST_READERS else ""
    return Section(
        "costs",
        "What each difference costs",
        "Every mismatch, insertion (+) and deletion (-) at every position, about zero for a match: "
        + "; ".join(dict.fromkeys(MEANINGS[str(unit)] for unit in table["unit"]))
        + ". Hatched changes are in no training pair: what stands there is what like changes make likely."
        + more,
        tuple(_of_reader(run, str(name), own, n) for n, (name, own) in enumerate(readers[:MOST_READERS])),
    )


def _of_reader(run: AssayRun, name: str, table: pd.DataFrame, place: int) -> Figure:
    unit = str(table["unit"].iloc[0])
    return Figure(
        svg(f"costs-{place}", partial(cost_map, table)),
        f"What {len(table)} changes of the target add to {printable(name)}, in {unit}",
        f"{printable(run.leading)}: {printable(name)}",
        csv_link(table, f"costs-{place}", run.file("costs")),
    )
