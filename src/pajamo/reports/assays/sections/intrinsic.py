"""How much there is to tell: bounds on what a model that knows everything would say of a reading."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from pajamo.reports.assays.folder import AssayRun
from pajamo.reports.blocks import Cell, Column, Section, Table, Text
from pajamo.reports.downloads import csv_link
from pajamo.reports.rows import records
from pajamo.reports.wording import blank, interval, number, printable

SIDES: Final = {"lower": "at least", "upper": "at most"}
HEAD: Final = (
    Column("experiment"),
    Column("I_intrinsic"),
    Column("bits", True, "with the 95% interval"),
    Column("what it rests on"),
)


def intrinsic(run: AssayRun) -> Section | None:
    """The bounds of every experiment, beside what the leading model reaches, or why there are none."""
    table = run.table("intrinsic")
    if table is None:
        return None
    rows = tuple(_row(row) for row in records(table))
    told = [_sentence(run, str(name), own) for name, own in table.groupby("experiment", sort=False)]
    return Section(
        "intrinsic",
        "What any model could tell",
        f"I_intrinsic is the information between a sequence and one reading of it, on the {run.scored_set} set: no "
        "model's I_pred can exceed it but by chance. Below the lower bound, a model leaves something that the "
        "sequence explains; between the bounds, the data do not say whether there is more to find.",
        (
            Table(HEAD, rows, downloads=csv_link(table, "intrinsic", run.file("intrinsic"))),
            *(Text(sentence) for sentence in told if sentence),
        ),
    )


def bounds_of(run: AssayRun, experiment: str) -> dict[str, float]:
    """The bounds of an experiment that could be computed, in bits, by side."""
    table = run.table("intrinsic")
    return {} if table is None else _known(table[table["experiment"] == experiment])


def _known(rows: pd.DataFrame) -> dict[str, float]:
    return {str(row["bound"]): float(row["value"]) for row in records(rows) if not blank(row["value"])}


def _row(row: dict[str, Any]) -> tuple[Cell, ...]:
    name, side = Cell.name(row["experiment"]), Cell(SIDES[str(row["bound"])])
    if blank(row["value"]):
        return name, side, Cell("–", tone="quiet"), Cell(f"not computed: {printable(row['note'])}")
    bits = Cell(number(row["value"]), interval(row["low"], row["high"], 3))
    return name, side, bits, Cell(printable(row["meaning"]))


def _sentence(run: AssayRun, experiment: str, rows: pd.DataFrame) -> str:
    """Where the leading model stands between the bounds."""
    known = _known(rows)
    scores = run.scores("I_pred")
    own = scores[(scores["experiment"] == experiment) & (scores["model"] == run.leading)]["value"].dropna()
    if own.empty or not known:
        return ""
    reached = float(own.iloc[0])
    words = [f"{SIDES[side]} {number(bits)}" for side, bits in known.items()]
    text = f"{printable(run.leading)} tells {number(reached)} bits (I_pred) of {' and '.join(words)}"
    if reached > known.get("upper", reached):
        text += ": more than there is, so that the errors of the readings are stated too large"
    return f"{printable(experiment)}: {text}."
