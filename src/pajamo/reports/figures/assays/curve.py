"""What a continuous instrument makes of the activity: the curve of the mean reading through what was measured."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from pajamo.reports.figures.assays.bins import histogram
from pajamo.reports.figures.theme import colour

MOST_DOTS: Final = 800


def reading_curve(curve: pd.DataFrame, rows: pd.DataFrame, what: str, axis: str = "activity") -> Figure:
    """Expected reading against the activity, with the band of the noise, under a histogram of activities.

    Parameters
    ----------
    curve: columns coordinate, expected and, where known, low and high: 90 % of readings.
    rows: columns coordinate and measured, one row a sequence; every n-th is drawn where there are many.
    what: is recorded, with its unit.
    axis: what the coordinate is, in words.
    """
    figure = Figure(figsize=(6.4, 4.1))
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[1, 3])
    ends = float(curve["coordinate"].iloc[0]), float(curve["coordinate"].iloc[-1])
    histogram(above, rows["coordinate"].to_numpy(dtype=float), ends)
    drawn = rows.iloc[:: int(np.ceil(max(len(rows), 1) / MOST_DOTS))]
    if "low" in curve:
        below.fill_between(
            curve["coordinate"], curve["low"], curve["high"], color=colour("amber"), alpha=0.22, linewidth=0,
            label="90 % of the noise",
        )  # fmt: skip
    below.plot(
        drawn["coordinate"], drawn["measured"], "o", color=colour("blue"), markersize=2.2, alpha=0.4,
        markeredgewidth=0, linestyle="", label="measured",
    )  # fmt: skip
    below.plot(curve["coordinate"], curve["expected"], color=colour("ink"), linewidth=1.6, label="expected")
    below.set_xlabel(axis)
    below.set_ylabel(what)
    below.set_xlim(*ends)
    below.legend(loc="best")
    return figure
