"""Which positions of a pair feed which rate, over the networks that a search kept."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from pajamo.reports.figures.assays.ticks import position_ticks
from pajamo.reports.figures.theme import WIDTH
from pajamo.reports.wording import short


def window_map(windows: pd.DataFrame) -> Figure:
    """Positions across, rates down; the darker, the more of the networks read the position for the rate.

    Parameters
    ----------
    windows: columns transition, from_pam (1 beside the PAM), inclusion (0 to 1).
    """
    wide = windows.pivot_table(index="transition", columns="from_pam", values="inclusion", sort=False)
    wide = wide.reindex(columns=range(int(wide.columns.min()), int(wide.columns.max()) + 1)).fillna(0.0)
    figure = Figure(figsize=(min(WIDTH, 3.2 + 0.27 * wide.shape[1]), 1.0 + 0.26 * len(wide)))
    axes = figure.subplots()
    image = axes.imshow(
        np.asarray(wide, dtype=float), cmap="Blues", vmin=0, vmax=1, aspect="auto", interpolation="none"
    )
    axes.set_yticks(range(len(wide)), [short(str(name).replace("->", "→"), 34) for name in wide.index])
    position_ticks(axes, wide.shape[1], int(wide.columns[0]))
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("position from the PAM (0 and below: in the PAM)")
    bar = figure.colorbar(image, ax=axes, location="right", fraction=0.04, pad=0.02)
    bar.set_label("share of networks", fontsize=7.6)
    bar.outline.set_visible(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure
