"""Information that each model carries on what was recorded: I_var and I_pred with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pajamo.reports.figures.theme import WIDTH, bare, colour
from pajamo.reports.rows import records
from pajamo.reports.wording import number, short

SHADES: Final = {"baseline": "grey", "mechanism": "blue", "comparison": "sky"}
"""By kind of model."""
FARTHEST: Final = 1.5
"""How many times the bars' own range a bound may lie away and still be drawn."""
TITLES: Final = {"I_var": "I_var, bits", "I_pred": "I_pred, bits", "R2": "share of the variance, R²"}


def information_bars(
    scores: pd.DataFrame,
    metrics: tuple[str, ...],
    best_baseline: str,
    bounds: Mapping[str, float] | None = None,
) -> Figure:
    """A panel a metric, a bar a model, the best baseline's value as a dashed line through all bars.

    Parameters
    ----------
    scores: columns model, kind, metric, value, low, high; one row a model and metric.
    metrics: names of the metrics to be shown.
    best_baseline: its name, or "".
    bounds: on the intrinsic information, by what they are called, in bits; each a dotted line.
    """
    first = scores[scores["metric"] == metrics[0]].sort_values("value", ascending=False, kind="stable")
    models = list(dict.fromkeys([*first["model"], *scores["model"]]))
    kinds = scores.drop_duplicates("model").set_index("model")["kind"]
    figure = Figure(figsize=(min(WIDTH, 1.8 + 4.2 * len(metrics)), 0.85 + 0.27 * len(models)))
    panels = figure.subplots(1, len(metrics), squeeze=False, sharey=True)[0]
    for axes, metric in zip(panels, metrics, strict=True):
        own = scores[scores["metric"] == metric].set_index("model").reindex(models)
        _bars(axes, own, kinds)
        if own["value"].notna().get(best_baseline, False):
            axes.axvline(
                float(own["value"][best_baseline]),
                color=colour("ink"),
                linewidth=0.9,
                linestyle=(0, (4, 2.5)),
            )
        for value in (bounds or {}).values():
            _bound(axes, value)
        axes.set_xlabel(TITLES.get(metric, metric))
    panels[0].set_ylim(len(models) - 0.4, -0.6)
    panels[0].set_yticks(range(len(models)), [_name(model, best_baseline) for model in models])
    return figure


def _bound(axes: Axes, value: float) -> None:
    """A line at a bound, unless it would squeeze the bars."""
    low, high = axes.get_xlim()
    if low <= value <= FARTHEST * high:
        axes.set_xlim(low, max(high, 1.05 * value))
        axes.axvline(value, color=colour("vermilion"), linewidth=1.1, linestyle=(0, (1, 1.6)))


def _name(model: str, best_baseline: str) -> str:
    return short(model, 24) + (" ◆" if model == best_baseline else "")


def _bars(axes: Axes, rows: pd.DataFrame, kinds: pd.Series) -> None:
    ends = rows[["value", "low", "high"]].to_numpy(dtype=float)
    top = float(np.nanmax(ends)) if np.isfinite(ends).any() else 1.0
    low = min(0.0, float(np.nanmin(ends))) if np.isfinite(ends).any() else 0.0
    for place, (model, row) in enumerate(zip(rows.index, records(rows), strict=True)):
        value = float(row["value"])
        if not np.isfinite(value):
            axes.text(0, place, "  –", va="center", fontsize=8, color=colour("muted"))
            continue
        axes.barh(place, value, height=0.62, color=colour(SHADES.get(str(kinds[model]), "grey")), alpha=0.85)
        if np.isfinite([row["low"], row["high"]]).all():
            axes.plot([row["low"], row["high"]], [place, place], color=colour("ink"), linewidth=1.3)
        end = float(np.nanmax([value, row["high"], 0.0]))
        axes.annotate(
            number(value), (end, place), xytext=(5, 0), textcoords="offset points", va="center", fontsize=7.6
        )
    axes.set_xlim(1.05 * low, 1.17 * top if top > 0 else 1.0)
    bare(axes, "left")
