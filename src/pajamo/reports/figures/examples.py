"""Predicted against measured changes, gene by gene, for a good, a middling and a poor prediction."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pajamo.reports.content import ReportContent
from pajamo.reports.figures.labels import name_points
from pajamo.reports.figures.theme import WIDTH, colour
from pajamo.reports.wording import number, short

MARKED = 20
"""Genes with error bars: those whose measured change is largest in units of its standard error."""
RANKS = ("best", "middle", "worst")
NAMED = 9
"""Of them, how many are named where there is room."""


def chosen_conditions(content: ReportContent) -> list[str]:
    """The best, the middle and the worst predicted condition, by the verdict's model and metric."""
    assert content.examples is not None
    shown = list(dict.fromkeys(content.examples["condition"]))
    scores = content.scores[
        (content.scores["metric"] == content.metric) & content.scores["condition"].isin(shown)
    ]
    of_model = scores[scores["model"] == content.verdict.model].groupby("condition")["value"].mean().dropna()
    ranked = list((-content.sign(content.metric) * of_model).sort_values(kind="stable").index) or shown
    middle = ranked[(len(ranked) - 1) // 2]
    return list(dict.fromkeys([ranked[0], middle, ranked[-1]]))


def compared_models(content: ReportContent) -> list[str]:
    """The verdict's model and the best baseline, as far as they are among the examples."""
    assert content.examples is not None
    known = set(content.examples["model"])
    return [
        name for name in dict.fromkeys([content.verdict.model, content.verdict.baseline]) if name in known
    ]


def examples(content: ReportContent) -> Figure:
    """A column a condition, a row a model; the line is equality."""
    assert content.examples is not None
    conditions, models = chosen_conditions(content), compared_models(content)
    size = WIDTH / 3
    figure = Figure(figsize=(size * len(conditions), 0.2 + (size - 0.1) * len(models)))
    grid = figure.subplots(len(models), len(conditions), squeeze=False, sharex="col", sharey="col")
    panels = []
    for row, model in enumerate(models):
        for column, condition in enumerate(conditions):
            table = _genes(content.examples, condition, model)
            axes = grid[row, column]
            _panel(axes, table, model, content)
            panels.append((axes, table))
            if column == 0:
                axes.set_ylabel(f"predicted by {short(model, 22)}")
            if row == 0:
                rank = f"{RANKS[column]}: " if len(conditions) == len(RANKS) else ""
                axes.set_title(rank + short(condition, 26))
    figure.supxlabel(f"measured change, {content.unit}", fontsize=8.5)
    for axes in grid[0]:
        _same_range(axes)
    figure.draw_without_rendering()
    for axes, table in panels:
        _name(axes, table)
    return figure


def _genes(table: pd.DataFrame, condition: str, model: str) -> pd.DataFrame:
    """One row a gene, the clearest measured change first; a condition of several folds is averaged."""
    rows = table[(table["condition"] == condition) & (table["model"] == model)]
    mean = rows.groupby("gene", sort=False)[["truth", "truth_se", "delta", "sd"]].mean()
    clear = (mean["truth"] / mean["truth_se"].where(mean["truth_se"] > 0)).abs().fillna(0.0)
    return mean.iloc[np.argsort(-clear.to_numpy(), kind="stable")]


def _panel(axes: Axes, table: pd.DataFrame, model: str, content: ReportContent) -> None:
    marked, rest = table.iloc[:MARKED], table.iloc[MARKED:]
    axes.axline((0, 0), slope=1, color=colour("grey"), linewidth=0.9, zorder=1)
    axes.axhline(0, color=colour("line"), linewidth=0.6, zorder=0)
    axes.axvline(0, color=colour("line"), linewidth=0.6, zorder=0)
    axes.plot(rest["truth"], rest["delta"], ".", color=colour("grey"), markersize=2.4, rasterized=True)
    shade = colour("ink" if model in content.baselines else "blue")
    axes.errorbar(
        marked["truth"], marked["delta"], xerr=marked["truth_se"].fillna(0), yerr=marked["sd"].fillna(0),
        fmt="o", markersize=3.2, color=shade, elinewidth=0.6, ecolor=shade,
    )  # fmt: skip
    axes.margins(0.09)
    axes.annotate(
        f"r = {number(_correlation(table), 2)}", (0.03, 0.97), xycoords="axes fraction", va="top", fontsize=8,
        color=colour("muted"),
    )  # fmt: skip


def _same_range(axes: Axes) -> None:
    """One range for both axes: a prediction that is too weak must look flat."""
    ends = [*axes.get_xlim(), *axes.get_ylim()]
    axes.set(xlim=(min(ends), max(ends)), ylim=(min(ends), max(ends)))


def _name(axes: Axes, table: pd.DataFrame) -> None:
    marked = table.iloc[:MARKED]
    named = marked.iloc[:NAMED]
    name_points(
        axes, named["truth"].to_numpy(), named["delta"].to_numpy(), [str(name) for name in named.index],
        marked[["truth", "delta"]].to_numpy(),
    )  # fmt: skip


def _correlation(table: pd.DataFrame) -> float:
    both = table[["truth", "delta"]].dropna()
    if len(both) < 3 or both.std().min() == 0:
        return float("nan")
    return float(np.corrcoef(both["truth"], both["delta"])[0, 1])
