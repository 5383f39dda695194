"""The models: fitted quantities, cards, and why some were refused."""

from __future__ import annotations

import pandas as pd
from scipy import stats

from pajamo.models.base import Card
from pajamo.reports.blocks import Block, CardBlock, Cell, Column, Section, Table
from pajamo.reports.content import ReportContent
from pajamo.reports.downloads import csv_link
from pajamo.reports.rows import records
from pajamo.reports.wording import blank, count, interval, number, printable

MOST_ROWS = 12
"""Fitted quantities that are listed of each model; the download and the run's folder hold all."""


def weights(content: ReportContent) -> Section | None:
    """What was fitted, with units and intervals."""
    tables = {name: table for name, table in content.weights.items() if not table.empty}
    if not tables:
        return None
    blocks = tuple(_weights(content, name, table) for name, table in tables.items())
    return Section(
        "weights",
        "What the models learned",
        f"Fitted quantities with their units and {content.level:.0%} intervals (normal, from the standard "
        "error).",
        blocks,
    )


def _weights(content: ReportContent, name: str, table: pd.DataFrame) -> Table:
    half = float(stats.norm.ppf(0.5 + content.level / 2))
    rows = tuple(
        (
            Cell.name(row["quantity"]),
            Cell.name(row["of"]),
            Cell(number(row["value"])),
            Cell(
                ""
                if blank(row["se"])
                else interval(row["value"] - half * row["se"], row["value"] + half * row["se"], 3)
            ),
            Cell.name(row["unit"]),
        )
        for row in records(table.head(MOST_ROWS))
    )
    head = (Column("quantity"), Column("of"), Column("value", True), Column("interval"), Column("unit"))
    hidden = len(table) - len(rows)
    return Table(
        head, rows, f"{printable(name)}: {count(len(table))} fitted quantities",
        f"and {count(hidden)} more" if hidden > 0 else "", folded=True,
        downloads=csv_link(table, f"weights-{file_name(name)}", content.files.get(f"weights/{name}", "")),
    )  # fmt: skip


def file_name(name: str) -> str:
    """A name as part of a file's name."""
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in name)


def cards(content: ReportContent) -> Section | None:
    """What to know of each model before believing it."""
    if not content.cards:
        return None
    return Section(
        "models",
        "The models",
        "What each uses of the experiment, and where it must not be trusted.",
        tuple(_card(card) for card in content.cards),
    )


def _card(card: Card) -> CardBlock:
    items = [("needs", card.needs), ("assumes", card.assumed), ("limits", card.limits)]
    items.append(("reference", card.reference))
    items += [(printable(quantity), meaning) for quantity, meaning in card.weights.items()]
    shown = tuple((term, printable(text)) for term, text in items if text)
    return CardBlock(printable(card.name), printable(card.title), card.baseline, shown)


def refused(content: ReportContent) -> Section | None:
    """Models that could not answer this question, with the reason."""
    if not content.refusals:
        return None
    rows = tuple((Cell.name(name), Cell(printable(reason))) for name, reason in content.refusals.items())
    blocks: tuple[Block, ...] = (Table((Column("model"), Column("why")), rows),)
    return Section("refused", "Models that do not apply here", "Asked, and declined with a reason.", blocks)
