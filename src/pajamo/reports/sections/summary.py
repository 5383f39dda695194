"""The table of all models and metrics, and what each metric is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pandas as pd

from pajamo.evaluation.comparison import BEATS, CEILING, IS_BEST, LOSES
from pajamo.reports.blocks import Cell, Column, Table, Tone
from pajamo.reports.content import ReportContent
from pajamo.reports.figures.dots import ladder_order
from pajamo.reports.rows import records
from pajamo.reports.wording import blank, interval, number, signed

RANGE: Final = (
    "Share of the way from the mean baseline to a perfect score that a technical duplicate goes (small: the "
    "interpolated duplicate). Near 0 or below, the metric cannot tell good models from bad ones on this screen."
)
RANGES: Final = ("dynamic_range", "dynamic_range_interpolated")
TONES: Final[Mapping[str, Tone]] = {BEATS: "good", LOSES: "bad", IS_BEST: "reference"}


def summary_table(content: ReportContent) -> Table:
    """A row a model, best first, the ceiling last; a column a metric, the verdict's first."""
    by_metric = {name: content.of_metric(name) for name in content.metric_names}
    ceilings = content.summary.loc[content.summary["outcome"] == CEILING, "model"]
    models = [*ladder_order(content), *dict.fromkeys(ceilings)]
    rows = tuple(
        (_model(content, model, ceilings), *(_score(table, model, content) for table in by_metric.values()))
        for model in models
    )
    return Table((Column("model"), *(_head(content, name) for name in by_metric)), rows, wide=True)


def _head(content: ReportContent, name: str) -> Column:
    better = "↓" if content.sign(name) < 0 else "↑"
    known = content.metrics.get(name)
    return Column(content.named(name), True, f"{known.definition} [{known.unit}]" if known else "", better)


def _model(content: ReportContent, model: str, ceilings: pd.Series) -> Cell:
    if (ceilings == model).any():
        return Cell.name(model, "ceiling", "quiet")
    return Cell.name(model, "baseline", "quiet") if model in content.baselines else Cell.name(model)


def _score(table: pd.DataFrame, model: str, content: ReportContent) -> Cell:
    if model not in table.index or blank(table.at[model, "mean"]):
        return Cell("–", tone="quiet")
    row = records(table.loc[[model]])[0]
    ends = interval(row["low"], row["high"], 3)
    parts = [f"{content.level:.0%} interval {ends}"] if ends else []
    if not blank(row["improvement"]) and row["outcome"] not in (IS_BEST, CEILING):
        against = interval(row["improvement_low"], row["improvement_high"])
        parts.append(f"difference to {row['best_baseline']} {signed(row['improvement'])} ({against})")
    calibrated = "" if blank(row["calibrated"]) else number(round(row["calibrated"], 2), 2)
    # Baselines lie below the best one by construction: their outcome is no news.
    tone = TONES.get(str(row["outcome"]), "")
    if model in content.baselines and tone == "bad":
        tone = "quiet"
    return Cell(number(row["mean"]), calibrated, "; ".join(parts), tone)


def metric_table(content: ReportContent) -> Table:
    """Definition, unit and source of each metric that was computed."""
    known = [content.metrics[name] for name in content.metric_names if name in content.metrics]
    rows = tuple(
        (
            Cell(item.title, item.name),
            Cell(item.definition),
            Cell(item.unit),
            _range(content, item.name),
            Cell(item.source),
        )
        for item in known
    )
    spread = Column("range", True, RANGE)
    head = (Column("metric"), Column("definition"), Column("unit"), spread, Column("source"))
    return Table(head, rows, caption="What each metric is", folded=True)


def _range(content: ReportContent, name: str) -> Cell:
    """Dynamic range of a metric; runs of earlier versions have none."""
    rows = content.of_metric(name)
    ends = [float(rows[column].iloc[0]) if column in rows else float("nan") for column in RANGES]
    reached, quieter = ("" if blank(value) else number(round(value, 2), 2) for value in ends)
    return Cell(reached, quieter)
