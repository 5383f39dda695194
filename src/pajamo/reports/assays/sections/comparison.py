"""Mechanisms against each other, and against maps without a mechanism."""

from __future__ import annotations

from typing import Final

from pajamo.reports.assays.folder import AssayRun
from pajamo.reports.blocks import Section, Table
from pajamo.reports.downloads import csv_link
from pajamo.reports.sections.record import plain_table

HEADS: Final = {
    "held_out": "held-out, bits an observation",
    "difference": "difference to the best",
    "low": "from",
    "high": "to",
    "log_likelihood": "ln-likelihood of the training set, nats",
}


def comparison(run: AssayRun) -> Section | None:
    """The table of likelihoods and criteria."""
    table = run.table("comparison")
    if table is None:
        return None
    shown = plain_table(table.rename(columns=HEADS))
    blocks = [
        Table(
            shown.columns,
            shown.rows,
            wide=True,
            downloads=csv_link(table, "comparison", run.file("comparison")),
        )
    ]
    ratios = run.table("likelihood_ratios")
    if ratios is not None:
        nested = plain_table(ratios)
        blocks.append(Table(nested.columns, nested.rows, "Nested mechanisms", nested.note))
    return Section(
        "comparison",
        "Comparison of mechanisms",
        "AIC and BIC charge for parameters on the rows that were fitted; the held-out likelihood charges by itself. "
        "Where they disagree, trust the held-out rows. An interval of the difference that holds zero decides "
        "nothing; parameters are counted as the data determine them.",
        tuple(blocks),
    )
