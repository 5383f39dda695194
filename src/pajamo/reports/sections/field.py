"""The field's six metrics on counts, and results by stratum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from pajamo.evaluation.panel.scale import MEAN_OF_SIX
from pajamo.reports.blocks import Block, Cell, Column, Section, Table
from pajamo.reports.content import ReportContent
from pajamo.reports.downloads import csv_link
from pajamo.reports.figures.dots import ladder_order
from pajamo.reports.rows import records
from pajamo.reports.wording import blank, interval, number, printable

MOST_MODELS: Final = 6
"""Models of a table of strata: those of the verdict, then the best."""


def six(content: ReportContent) -> Section | None:
    """Each model on the six calibrated metrics and their mean."""
    table = content.table("six")
    if table is None:
        return None
    names = [name for name in dict.fromkeys(table["metric"]) if name != MEAN_OF_SIX]
    head = (Column("model"), Column("mean of six", True), *(_head(content, name) for name in names))
    rows = tuple(_of_model(content, model, of, names) for model, of in _best_first(table))
    notes = dict.fromkeys(
        f"{content.named(r['metric'])}: {r['note']}" for r in records(_without_value(table))
    )
    return Section(
        "six",
        "Six metrics on counts",
        "As the field compares models (preset vcc2026 of cell-eval2): predicted cells and measured cells under the "
        "same rank-sum test and profile. 0 is the mean of the training perturbations, 1 a repeat of the "
        "experiment with half of the cells; the small number is the metric itself. The mean weighs all six "
        "equally and is not given where one of them has no scale.",
        (
            Table(
                head,
                rows,
                note=printable("; ".join(notes)),
                wide=True,
                downloads=csv_link(table, "six", content.files.get("six", "")),
            ),
        ),
    )


def _head(content: ReportContent, name: str) -> Column:
    known = content.metrics.get(name)
    better = "↓" if content.sign(name) < 0 else "↑"
    return Column(content.named(name), True, known.definition if known else "", better)


def _best_first(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Models by their mean of six, or where there is none by the mean of what there is."""
    overall = table[table["metric"] == MEAN_OF_SIX].set_index("model")["scaled"]
    known = table[table["metric"] != MEAN_OF_SIX].groupby("model", sort=False)["scaled"].mean()
    # Without any value at all the order of the table stays.
    strength = overall.fillna(known).reindex(table["model"].unique()).fillna(-np.inf)
    models = [str(model) for model in strength.sort_values(ascending=False, kind="stable").index]
    return [(model, table[table["model"] == model].set_index("metric")) for model in models]


def _of_model(content: ReportContent, model: str, of: pd.DataFrame, names: list[str]) -> tuple[Cell, ...]:
    label = Cell.name(model, "baseline", "quiet") if model in content.baselines else Cell.name(model)
    found = dict(zip(of.index, records(of.reset_index()), strict=True))
    return (label, *(_value(content, found[name]) for name in (MEAN_OF_SIX, *names) if name in found))


def _value(content: ReportContent, row: Mapping[str, Any]) -> Cell:
    ends = interval(row["low"], row["high"])
    own = "" if blank(row["mean"]) else number(row["mean"])
    tip = printable(row["note"]) if not blank(row["note"]) else f"{content.level:.0%} interval {ends}"
    return Cell(number(row["scaled"], 2), own, tip, "quiet" if blank(row["scaled"]) else "")


def _without_value(table: pd.DataFrame) -> pd.DataFrame:
    """Metrics that no model has on the scale, with the reason."""
    of_six = table[table["metric"] != MEAN_OF_SIX]
    missing = of_six.groupby("metric")["scaled"].transform(lambda values: values.isna().all())
    reasons: pd.DataFrame = of_six[missing.astype(bool)].drop_duplicates("metric")
    return reasons


def strata(content: ReportContent) -> Section | None:
    """The verdict's metric by size of the response and by what was seen in training."""
    table = content.table("strata")
    if table is None:
        return None
    judged = table[table["metric"] == content.metric]
    known = set(judged["model"])
    lead = [content.verdict.model, content.verdict.baseline, *ladder_order(content)]
    models = [name for name in dict.fromkeys(lead) if name in known][:MOST_MODELS]
    if not models:
        return None
    blocks: tuple[Block, ...] = tuple(
        _division(str(name), of, models) for name, of in judged.groupby("strata", sort=False)
    )
    better = "lower" if content.sign(content.metric) < 0 else "higher"
    return Section(
        "strata",
        "Where the mean comes from",
        f"{content.named(content.metric)} ({better} is better) of the models of the verdict and the best others, by "
        "the size of the measured response (thirds of the held-out conditions, without what noise adds) and by "
        "how many of the perturbed genes were seen alone in training. Other metrics are in the run's folder.",
        blocks,
    )


def _division(name: str, table: pd.DataFrame, models: list[str]) -> Table:
    wide = table.pivot_table(index="stratum", columns="model", values="mean", sort=False, dropna=False)
    sizes = table.groupby("stratum", sort=False)["n_conditions"].max()
    rows = tuple(
        (
            Cell.name(stratum),
            Cell(str(n)),
            *(Cell(number(wide[m].get(stratum, np.nan))) for m in models if m in wide),
        )
        for stratum, n in sizes.items()
    )
    head = (
        Column(name),
        Column("conditions", True),
        *(Column(printable(m), True) for m in models if m in wide),
    )
    return Table(head, rows)
