"""Expression shifts: does a letter at a position raise or lower what is recorded?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from pajamo.reports.figures.assays.sites import Window, bracket_sites
from pajamo.reports.figures.assays.ticks import position_ticks, width_of
from pajamo.reports.figures.theme import DIVERGING, colour


def shift_map(table: pd.DataFrame, what: str, sites: Sequence[Window] = ()) -> Figure:
    """Letters down, positions across; red raises, blue lowers; the wild type is dotted.

    Parameters
    ----------
    table: columns position, wild_type, comparison (a letter), shift.
    what: is recorded, with its unit.
    sites: declared windows, bracketed above the map.
    """
    letters = sorted(set(table["comparison"]) | set(table["wild_type"]))
    shifts = table.pivot_table(index="comparison", columns="position", values="shift", dropna=False)
    length = int(table["position"].max()) + 1
    shifts = shifts.reindex(index=letters, columns=range(length))
    figure = Figure(figsize=(width_of(length), 1.2 + (0.2 if len(letters) <= 6 else 0.135) * len(letters)))
    axes = figure.subplots()
    axes.set_facecolor(colour("missing"))
    # A few letters that are rarely seen shift by chance; they must not set the scale.
    top = float(np.nanquantile(np.abs(shifts.to_numpy(dtype=float)), 0.99)) or 1.0
    image = axes.imshow(
        np.ma.masked_invalid(shifts.to_numpy(dtype=float)), cmap=DIVERGING, vmin=-top, vmax=top, aspect="auto",
        interpolation="none",
    )  # fmt: skip
    native = table.drop_duplicates("position")
    axes.plot(
        native["position"], [letters.index(letter) for letter in native["wild_type"]], "o", color=colour("ink"),
        markersize=2.6, linestyle="", label="wild type",
    )  # fmt: skip
    axes.set_yticks(range(len(letters)), letters, fontsize=7.4)
    axes.tick_params(axis="y", length=0)
    position_ticks(axes, length)
    axes.set_xlabel("position")
    bracket_sites(axes, sites)
    for spine in axes.spines.values():
        spine.set_visible(False)
    bar = figure.colorbar(
        image, ax=axes, location="right", fraction=0.03, pad=0.012, aspect=12, extend="both"
    )
    bar.set_label(f"shift of {what}", fontsize=7.6)
    bar.outline.set_visible(False)
    return figure
