"""What embeddings of genes are worth: each model with each of them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pajamo.evaluation.ablation import REFERENCE
from pajamo.evaluation.comparison import BEATS, LOSES
from pajamo.reports.blocks import Block, Cell, Column, Section, Table
from pajamo.reports.content import ReportContent
from pajamo.reports.downloads import csv_link
from pajamo.reports.rows import records
from pajamo.reports.sections.record import plain_table
from pajamo.reports.wording import blank, interval, number, printable, signed

SIGNS = {BEATS: "▲ ", LOSES: "▽ "}


def compared(content: ReportContent) -> Section | None:
    """Every model that takes an embedding of genes, with each, on the metric of the verdict."""
    table = content.table("ablation")
    if table is None or (shown := table[table["metric"] == content.metric]).empty:
        return None
    blocks: list[Block] = [_worth(content, shown)]
    covered = content.table("embeddings")
    if covered is not None:
        blocks.append(plain_table(covered))
    reference = shown.loc[shown["outcome"] == REFERENCE, "embedding"].iloc[0]
    return Section(
        "embeddings",
        "What embeddings of genes are worth",
        f"{content.named(content.metric)} of each model that takes an embedding of genes. The small number is the "
        f"gain over the same model with {printable(reference)} on the same held-out perturbations, positive where "
        f"the embedding helps, with its {content.level:.0%} interval; ▲ helps, ▽ harms, no sign: undecided. Below: "
        "of how many perturbed genes each embedding has a vector; the others get what a model says of any gene.",
        tuple(blocks),
    )


def _worth(content: ReportContent, shown: pd.DataFrame) -> Table:
    names = list(dict.fromkeys(shown["embedding"]))
    cells = {(row["model"], row["embedding"]): _cell(row) for row in records(shown)}
    rows = tuple(
        (Cell.name(model), *(cells.get((model, name), Cell("")) for name in names))
        for model in dict.fromkeys(shown["model"])
    )
    head = (Column("model"), *(Column(printable(name), True) for name in names))
    link = csv_link(shown, "ablation", content.files.get("ablation", ""))
    return Table(head, rows, "Models by embedding", downloads=link)


def _cell(row: dict[str, Any]) -> Cell:
    mean = number(row["mean"])
    if row["outcome"] == REFERENCE or blank(row["gain"]):
        return Cell(mean)
    gain = f"{signed(row['gain'])} {interval(row['gain_low'], row['gain_high'], 2)}"
    return Cell(f"{SIGNS.get(str(row['outcome']), '')}{mean}", small=gain)
