"""Free-energy profiles of guide-target pairs along the way to the product, as R-loops open and close."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pajamo.reports.figures.theme import SERIES, WIDTH, colour
from pajamo.reports.wording import short

HALF: Final = 0.32
"""Half of a state's level, in units of the distance between points."""


def energy_profile(landscape: pd.DataFrame) -> Figure:
    """A level a state, a peak a barrier, one colour a pair; a band about the first: how far the data leave it open.

    Parameters
    ----------
    landscape: columns name (of the pair), place, kind ("state" or "barrier"), of, energy, low, high, unit. At most
        eight pairs are drawn.
    """
    figure = Figure(figsize=(WIDTH * 0.8, 3.6))
    axes = figure.subplots()
    names = list(dict.fromkeys(landscape["name"]))[: len(SERIES)]
    for name, (shade, _) in zip(names, SERIES, strict=False):
        _line(axes, landscape[landscape["name"] == name].sort_values("place"), str(name), colour(shade))
    first = landscape[landscape["name"] == names[0]].sort_values("place")
    _band(axes, first, colour(SERIES[0][0]))
    _frame(axes, first)
    axes.legend(loc="best")
    return figure


def _line(axes: Axes, points: pd.DataFrame, name: str, shade: str) -> None:
    x, energy = _stretched(points, "energy")
    axes.plot(x, energy, color=shade, linewidth=1.2, label=short(name, 28), zorder=3)
    for place, kind, level in zip(points["place"], points["kind"], points["energy"], strict=True):
        if kind == "state" and np.isfinite(level):
            axes.plot(
                [place - HALF, place + HALF], [level] * 2, color=shade, linewidth=3, solid_capstyle="butt"
            )


def _band(axes: Axes, points: pd.DataFrame, shade: str) -> None:
    x, low = _stretched(points, "low")
    high = _stretched(points, "high")[1]
    if np.isfinite(low).any():
        axes.fill_between(x, low, high, color=shade, alpha=0.16, linewidth=0, zorder=1)


def _stretched(points: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray]:
    """Places and values of a line that is level at states and pointed at barriers."""
    x: list[float] = []
    y: list[float] = []
    for place, kind, value in zip(points["place"], points["kind"], points[column], strict=True):
        ends = (place - HALF, place + HALF) if kind == "state" else (float(place),)
        x += ends
        y += [float(value)] * len(ends)
    return np.array(x), np.array(y)


def _frame(axes: Axes, points: pd.DataFrame) -> None:
    states = points[points["kind"] == "state"]
    axes.set_xticks(states["place"].to_list(), [short(name, 16) for name in states["of"]])
    axes.tick_params(axis="x", length=0)
    axes.axhline(0, color=colour("line"), linewidth=0.8, zorder=0)
    axes.set_ylabel(f"free energy, {points['unit'].iloc[0]}")
