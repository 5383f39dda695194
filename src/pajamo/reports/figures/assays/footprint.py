"""The information footprint: at which positions does a letter tell where a cell was sorted?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pajamo.reports.figures.assays.sites import Window, shade_sites
from pajamo.reports.figures.assays.ticks import position_ticks, width_of
from pajamo.reports.figures.theme import colour


def footprint(table: pd.DataFrame, sites: Sequence[Window] = ()) -> Figure:
    """A bar a position; sites shaded; the dashes are what chance reaches.

    Parameters
    ----------
    table: columns position, wild_type, bits, standard_error, chance; one row a position.
    sites: declared windows.
    """
    figure = Figure(figsize=(width_of(len(table)), 2.6))
    axes = figure.subplots()
    rows = table.sort_values("position")
    place = rows["position"].to_numpy(dtype=float)
    bits = rows["bits"].to_numpy(dtype=float)
    axes.bar(place, bits, width=0.82, color=colour("blue"), label="information")
    error = rows["standard_error"].to_numpy(dtype=float)
    axes.errorbar(place, bits, yerr=error, fmt="none", ecolor=colour("muted"), elinewidth=0.6)
    axes.step(
        place, rows["chance"], where="mid", color=colour("vermilion"), linewidth=1.0, linestyle=(0, (4, 2)),
        label="reached by chance in 5 %",
    )  # fmt: skip
    _frame(axes, rows)
    shade_sites(axes, sites)
    axes.set_ylabel("information, bits")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return figure


def _frame(axes: Axes, rows: pd.DataFrame) -> None:
    length = int(rows["position"].max()) + 1
    position_ticks(axes, length)
    axes.set_xlim(-0.7, length - 0.3)
    top = float(np.nanmax([*rows["bits"], *rows["chance"], 1e-9]))
    low = min(0.0, float(np.nanmin([*rows["bits"], 0.0])))
    axes.set_ylim(1.3 * low, 1.22 * top)
    axes.axhline(0, color=colour("muted"), linewidth=0.6)
    letters_below(axes, rows)
    axes.set_xlabel("position and wild-type letter")


def letters_below(axes: Axes, rows: pd.DataFrame, most: int = 130) -> None:
    """Wild-type letters under the axis, where there is room for them."""
    if len(rows) > most:
        return
    axes.tick_params(axis="x", pad=11, length=0)
    for place, letter in zip(rows["position"], rows["wild_type"], strict=True):
        axes.annotate(
            str(letter), (float(place), 0), xycoords=axes.get_xaxis_transform(), xytext=(0, -3),
            textcoords="offset points", ha="center", va="top", fontsize=6.2, color=colour("muted"),
        )  # fmt: skip
