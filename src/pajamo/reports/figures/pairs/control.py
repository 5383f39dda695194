"""Flux-control coefficients of transitions: at the matched target, and over the pairs of a library."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from pajamo.reports.figures.theme import WIDTH, bare, colour
from pajamo.reports.wording import short


def control_bars(control: pd.DataFrame) -> Figure:
    """A bar a transition: the mean over pairs, a line over the middle 90 % of them, a diamond at the matched target.

    Parameters
    ----------
    control: columns transition, matched, mean, low, high; a row "sum" is left out.
    """
    shown = control[control["transition"] != "sum"].reset_index(drop=True)
    figure = Figure(figsize=(WIDTH * 0.62, 0.9 + 0.27 * len(shown)))
    axes = figure.subplots()
    places = range(len(shown))
    axes.barh(places, shown["mean"], height=0.58, color=colour("sky"), label="mean over pairs")
    axes.hlines(
        places, shown["low"], shown["high"], color=colour("blue"), linewidth=1.3, label="middle 90 % of pairs"
    )
    axes.plot(
        shown["matched"], places, "D", linestyle="", color=colour("vermilion"), markersize=5, label="matched target"
    )  # fmt: skip
    axes.axvline(0, color=colour("muted"), linewidth=0.7)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_yticks(places, [short(str(name).replace("->", "→"), 34) for name in shown["transition"]])
    axes.set_xlabel("% of output by % of rate")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    bare(axes, "left")
    return figure
