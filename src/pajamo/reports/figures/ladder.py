"""Every model on every metric, as measured and on the calibrated scale."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pajamo.evaluation.comparison import CEILING
from pajamo.reports.content import ReportContent
from pajamo.reports.figures.dots import ROW, Look, draw_rows, ladder_order, look_of, name_rows
from pajamo.reports.figures.ranges import visible
from pajamo.reports.figures.theme import WIDTH, colour

ACROSS = 4
CALIBRATED = (-0.6, 1.7)
"""Shown part of the calibrated scale; what lies beyond is an arrow."""

Panel = Callable[[Axes, ReportContent, str, list[str]], None]


def ladder(content: ReportContent) -> Figure:
    """Mean and interval of each model, a panel a metric; the ceiling is a dashed line."""
    return _panels(content, content.metric_names, _measured)


def calibrated_metrics(content: ReportContent) -> list[str]:
    """Metrics for which the calibrated scale exists."""
    known = content.summary[content.summary["calibrated"].notna()]["metric"]
    return [name for name in content.metric_names if (known == name).any()]


def calibrated(content: ReportContent) -> Figure:
    """The same between the mean baseline at 0 and the technical duplicate at 1."""
    return _panels(content, calibrated_metrics(content), _calibrated)


def _panels(content: ReportContent, metrics: list[str], draw: Panel) -> Figure:
    models = ladder_order(content)
    down = math.ceil(len(metrics) / ACROSS)
    across = math.ceil(len(metrics) / down)
    width = WIDTH if across > 2 else 1.7 + 2.6 * across
    figure = Figure(figsize=(width, down * (0.85 + ROW * len(models))))
    grid = figure.subplots(down, across, squeeze=False)
    for place, axes in enumerate(grid.flat):
        if place >= len(metrics):
            axes.remove()
            continue
        name_rows(axes, models, content.baselines, labels=place % across == 0)
        draw(axes, content, metrics[place], models)
    return figure


def _rows(
    content: ReportContent, metric: str, models: list[str], columns: tuple[str, str, str]
) -> pd.DataFrame:
    table = content.of_metric(metric).reindex(models)[[*columns, "outcome"]]
    return table.set_axis(["value", "low", "high", "outcome"], axis=1)


def _measured(axes: Axes, content: ReportContent, metric: str, models: list[str]) -> None:
    rows = _rows(content, metric, models, ("mean", "low", "high"))
    ceiling = _ceiling(content, metric)
    ranked = rows.assign(order=-content.sign(metric) * rows["value"]).sort_values("order", kind="stable")
    limits = visible(ranked, () if np.isnan(ceiling) else (ceiling,))
    if not np.isnan(ceiling):
        axes.axvline(ceiling, color=colour("green"), linewidth=1.1, linestyle=(0, (4, 2.5)), zorder=1)
    draw_rows(axes, rows, _looks(rows, content), limits)
    _title(axes, content, metric, 2)
    axes.locator_params(axis="x", nbins=4)
    axes.set_xlabel(
        "lower is better ←" if content.sign(metric) < 0 else "→ higher is better", color=colour("muted")
    )


def _calibrated(axes: Axes, content: ReportContent, metric: str, models: list[str]) -> None:
    rows = _rows(content, metric, models, ("calibrated", "calibrated_low", "calibrated_high"))
    axes.axvline(0, color=colour("grey"), linewidth=0.9, zorder=1)
    axes.axvline(1, color=colour("green"), linewidth=1.1, linestyle=(0, (4, 2.5)), zorder=1)
    draw_rows(axes, rows, _looks(rows, content), CALIBRATED)
    _title(axes, content, metric, 2)
    axes.set_xticks([0, 0.5, 1])


def _looks(rows: pd.DataFrame, content: ReportContent) -> list[Look]:
    return [look_of(str(name), str(outcome), content.baselines) for name, outcome in rows["outcome"].items()]


def _ceiling(content: ReportContent, metric: str) -> float:
    table = content.of_metric(metric)
    values = table.loc[table["outcome"] == CEILING, "mean"]
    return float(values.iloc[0]) if len(values) else float("nan")


def _title(axes: Axes, content: ReportContent, metric: str, lines: int) -> None:
    """Titles of a row of panels have equally many lines, so that the panels line up."""
    wrapped = textwrap.wrap(content.named(metric), 25)[:lines]
    axes.set_title("\n".join([*wrapped, *[" "] * (lines - len(wrapped))]), fontsize=8.2)
