"""The record: data, check, split, study, provenance, notes."""

from __future__ import annotations

from typing import Final

import pandas as pd

from pajamo.errors import shorten
from pajamo.reports.blocks import Block, Cell, Column, Facts, Section, Table, Text, Tone
from pajamo.reports.content import DataFacts, ReportContent
from pajamo.reports.rows import records
from pajamo.reports.wording import blank, count, number, printable, seconds

ORDERS: Final = {1: "single perturbations", 2: "doubles", 3: "triples"}
STATUS: Final[dict[str, tuple[str, Tone]]] = {
    "ok": ("✓ ok", "good"),
    "note": ("note", ""),
    "warning": ("! warning", "bad"),
    "error": ("✗ error", "bad"),
}
MOST_ROWS = 60
NAMED = 12
"""Batches, contexts and times that are listed by name."""


def data(content: ReportContent) -> Section:
    """What was recorded, and what the check found."""
    blocks: list[Block] = [Facts(_facts(content.data))]
    checks = content.table("checks")
    if checks is not None:
        blocks.append(_checks(checks))
    return Section(
        "data", "Data and check", "What was recorded, and whether it is what a model needs.", tuple(blocks)
    )


def _facts(facts: DataFacts) -> tuple[tuple[str, Cell], ...]:
    orders = {
        ORDERS.get(order, f"combinations of {order}"): count(n)
        for order, n in sorted(facts.conditions.items())
    }
    items = {
        "data set": facts.name + (" (simulated)" if facts.simulated else ""),
        "cells": count(facts.cells),
        "of them control cells": count(facts.control_cells),
        "genes": count(facts.genes),
        **orders,
        "batches": _listed(facts.batches),
        "contexts": _listed(facts.contexts),
        "times": _listed(tuple(f"{time:g}" for time in facts.times)),
        "source": facts.source,
        "licence": facts.licence,
        "sha256": facts.hash,
    }
    return tuple((term, Cell.name(value, most=120)) for term, value in items.items() if value)


def _listed(names: tuple[str, ...]) -> str:
    return f"{len(names)}: {shorten(names, NAMED)}" if len(names) > 1 else "".join(names)


def _checks(checks: pd.DataFrame) -> Table:
    rows = []
    for row in records(checks):
        text, tone = STATUS.get(str(row["status"]), (str(row["status"]), ""))
        rows.append((Cell(printable(row["title"])), Cell(text, tone=tone), Cell(printable(row["message"]))))
    troubles = int(checks["status"].isin(["warning", "error"]).sum())
    caption = f"Check: {len(checks)} rules, " + (
        f"{troubles} with something to look at" if troubles else "nothing to mend"
    )
    return Table(
        (Column("rule"), Column("status"), Column("found")), tuple(rows), caption, folded=not troubles
    )


def split(content: ReportContent) -> Section | None:
    """What was held out, fold by fold."""
    table = content.table("split_counts")
    if table is None:
        return None
    reading = f"{printable(content.split)}. No held-out condition is seen by any model of its fold."
    return Section("split", "Split", reading, (plain_table(table),))


def plain_table(table: pd.DataFrame) -> Table:
    """Any table as it is, numbers flush right, at most the first rows."""
    numeric = [pd.api.types.is_numeric_dtype(table[name]) for name in table]
    rows = tuple(
        tuple(_cell(value, flush) for value, flush in zip(row, numeric, strict=True))
        for row in table.head(MOST_ROWS).itertuples(index=False, name=None)
    )
    head = tuple(Column(printable(name), flush) for name, flush in zip(table, numeric, strict=True))
    hidden = len(table) - len(rows)
    return Table(head, rows, note=f"and {count(hidden)} more rows" if hidden > 0 else "")


def _cell(value: object, numeric: bool) -> Cell:
    if numeric:
        return Cell(count(int(str(value))) if str(value).isdigit() else number(value))
    return Cell("") if blank(value) else Cell.name(value, most=60)


def provenance(content: ReportContent) -> Section:
    """How to get the same numbers again."""
    blocks: list[Block] = []
    if content.provenance:
        items = ((printable(term), Cell.name(text, most=160)) for term, text in content.provenance.items())
        blocks.append(Facts(tuple(items)))
    timings = content.table("timings")
    if timings is not None:
        rows = tuple(
            (Cell.name(row["step"]), Cell(seconds(float(row["seconds"])))) for row in records(timings)
        )
        total = seconds(float(timings["seconds"].sum()))
        blocks.append(Table((Column("step"), Column("time", True)), rows, f"Time: {total}", folded=True))
    blocks.append(Text(_lines(content.study), "The study file as it was resolved", code=True))
    return Section(
        "provenance", "Provenance", "With these, the same command gives the same numbers.", tuple(blocks)
    )


def _lines(text: str) -> str:
    return "\n".join(map(printable, text.expandtabs(4).splitlines()))


def notes(content: ReportContent) -> Section | None:
    """What else there is to say."""
    if not content.notes:
        return None
    return Section("notes", "Notes", "", tuple(Text(printable(note)) for note in content.notes))
