"""Profile likelihood: what it costs to hold a quantity at a value while everything else is fitted again."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from pajamo.reports.figures.theme import WIDTH, colour
from pajamo.reports.wording import interval, number, short

ACROSS: Final = 3
HEADROOM: Final = 3.2
"""How many times the height of the level's line is shown; far points would flatten what matters."""


def threshold(level: float) -> float:
    """Nats at which a profile crosses the level: half the quantile of chi-squared with one degree of freedom."""
    return float(stats.chi2.ppf(level, 1)) / 2


def profile_curves(profiles: pd.DataFrame, intervals: pd.DataFrame, level: float) -> Figure:
    """A panel a quantity.

    Parameters
    ----------
    profiles: columns quantity, value, drop (nats above the minimum), converged, unit.
    intervals: columns quantity, value (estimate), low, high; an end that is NaN or infinite is open.
    level: coverage of the intervals.
    """
    names = list(dict.fromkeys(profiles["quantity"]))
    across = min(ACROSS, len(names))
    down = -(-len(names) // across)
    figure = Figure(figsize=(min(WIDTH, 0.6 + 3.9 * across), 0.35 + 2.35 * down))
    grid = figure.subplots(down, across, squeeze=False)
    for place, axes in enumerate(grid.flat):
        if place >= len(names):
            axes.remove()
            continue
        own = intervals[intervals["quantity"] == names[place]]
        _panel(axes, profiles[profiles["quantity"] == names[place]].sort_values("value"), own, level)
    for row in grid:
        row[0].set_ylabel("nats above the minimum")
    return figure


def _panel(axes: Axes, points: pd.DataFrame, found: pd.DataFrame, level: float) -> None:
    line = threshold(level)
    axes.axhline(line, color=colour("vermilion"), linewidth=0.9, linestyle=(0, (4, 2.5)))
    axes.annotate(
        f"{level:.0%}", (1, line), xycoords=axes.get_yaxis_transform(), xytext=(-2, 2), textcoords="offset points",
        ha="right", fontsize=7.2, color=colour("vermilion"),
    )  # fmt: skip
    axes.plot(points["value"], points["drop"], color=colour("blue"), linewidth=1.3, zorder=2)
    _dots(axes, points)
    axes.set_xlim(*_range(points, HEADROOM * line))
    quantity, unit = str(points["quantity"].iloc[0]), str(points["unit"].iloc[0])
    axes.set_ylim(-0.06 * HEADROOM * line, HEADROOM * line)
    axes.set_xlabel(unit)
    told = _interval(axes, points, found, line)
    axes.set_title(f"{short(quantity, 30)}\n{told}", fontsize=8.2)


def _range(points: pd.DataFrame, top: float) -> tuple[float, float]:
    """Where the curve can be seen, with the first point beyond on each side."""
    values, low = points["value"].to_numpy(dtype=float), np.flatnonzero(points["drop"].to_numpy() <= top)
    first, last = (
        (max(low[0] - 1, 0), min(low[-1] + 1, len(values) - 1)) if len(low) else (0, len(values) - 1)
    )
    padding = 0.04 * (values[last] - values[first]) or 1.0
    return float(values[first] - padding), float(values[last] + padding)


def _dots(axes: Axes, points: pd.DataFrame) -> None:
    """Filled where the fit of everything else converged, hollow where it did not."""
    done = points["converged"].astype(bool)
    for rows, face in ((points[done], "blue"), (points[~done], "paper")):
        axes.plot(
            rows["value"], rows["drop"], "o", linestyle="", color=colour("blue"), markersize=4.2, zorder=3,
            markerfacecolor=colour(face), markeredgewidth=1.1,
            label="converged" if face == "blue" else "not converged",
        )  # fmt: skip


def _interval(axes: Axes, points: pd.DataFrame, found: pd.DataFrame, line: float) -> str:
    """The interval as a bar on the level's line, an arrow at an end that the data leave open; and in words."""
    if found.empty:
        return "no interval"
    low, high = (float(found[name].iloc[0]) for name in ("low", "high"))
    edges = float(points["value"].min()), float(points["value"].max())
    shown = [low if np.isfinite(low) else edges[0], high if np.isfinite(high) else edges[1]]
    axes.plot(shown, [line, line], color=colour("vermilion"), linewidth=2.4, solid_capstyle="butt", zorder=4)
    for value, at, marker in ((low, shown[0], "<"), (high, shown[1], ">")):
        if not np.isfinite(value):
            axes.plot([at], [line], marker, color=colour("vermilion"), markersize=7, zorder=5, clip_on=False)
    told = _told(low, high)
    return f"{number(float(found['value'].iloc[0]))}   ({told})"


def _told(low: float, high: float) -> str:
    if np.isfinite(low) and np.isfinite(high):
        return interval(low, high, 3)
    if np.isfinite(low):
        return f"above {number(low)}, open upwards"
    if np.isfinite(high):
        return f"below {number(high)}, open downwards"
    return "open at both ends"
