"""The lead figure: how far each model is from the best baseline."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pajamo.evaluation.comparison import BEATS, CEILING, IS_BEST
from pajamo.reports.content import ReportContent
from pajamo.reports.figures.dots import draw_rows, look_of, name_rows
from pajamo.reports.figures.ranges import visible
from pajamo.reports.figures.theme import WIDTH, colour
from pajamo.reports.rows import records
from pajamo.reports.wording import interval, short, signed


def difference_rows(content: ReportContent) -> pd.DataFrame:
    """Models with a difference on the metric of the verdict, best first; empty without a baseline."""
    rows = content.of_metric(content.metric)
    rows = rows[(rows["outcome"] != CEILING) & rows["improvement"].notna()]
    return rows.sort_values("improvement", ascending=False, kind="stable").assign(
        value=lambda r: r["improvement"],
        low=lambda r: r["improvement_low"],
        high=lambda r: r["improvement_high"],
    )


def differences(content: ReportContent) -> Figure:
    """A dot with its interval for each model against the best baseline at zero; right is better."""
    rows = difference_rows(content)
    figure = Figure(figsize=(WIDTH, 0.95 + 0.245 * len(rows)))
    axes = figure.subplots()
    names = [str(name) for name in rows.index]
    name_rows(axes, names, content.baselines)
    axes.axvline(0, color=colour("ink"), linewidth=0.9, zorder=1)
    looks = [look_of(str(name), str(outcome), content.baselines) for name, outcome in rows["outcome"].items()]
    draw_rows(axes, rows, looks, visible(rows, (0.0,)))
    _columns(axes, rows, content.level)
    base = short(rows["best_baseline"].iloc[0])
    axes.set_xlabel(f"Difference to {base}  ·  {content.named(content.metric)}  ·  right of zero is better")
    return figure


def _columns(axes: Axes, rows: pd.DataFrame, level: float) -> None:
    """The same in figures, to the right of the dots."""
    titles = {14: "difference", 68: f"{level:.0%} interval", 162: "outcome"}
    for points, title in titles.items():
        _beside(axes, -0.85, points, title, "muted")
    for place, row in enumerate(records(rows)):
        reference = row["outcome"] == IS_BEST
        texts = (
            ("0" if reference else signed(row["value"])),
            ("reference" if reference else interval(row["low"], row["high"])),
            str(row["outcome"]),
        )
        for points, text in zip(titles, texts, strict=True):
            _beside(axes, place, points, text, "ink" if points < 20 or row["outcome"] == BEATS else "muted")


def _beside(axes: Axes, row: float, points: float, text: str, shade: str) -> None:
    axes.annotate(
        text, (1, row), xycoords=axes.get_yaxis_transform(), xytext=(points, 0), textcoords="offset points",
        va="center", fontsize=8, color=colour(shade), annotation_clip=False,
    )  # fmt: skip
