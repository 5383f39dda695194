"""What each difference between guide and target costs, as a heat map: positions across, changes down."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pajamo.reports.figures.assays.matrix_heat import HATCH
from pajamo.reports.figures.assays.ticks import position_ticks
from pajamo.reports.figures.theme import DIVERGING, WIDTH, colour

ROW: Final = 0.19
"""Inches of a change's row."""


def cost_map(table: pd.DataFrame) -> Figure:
    """One reader's costs about zero, which is a match; what no training pair shows is hatched.

    Parameters
    ----------
    table: of one reader; columns from_pam, change, value, unit, observed.
    """
    values = table.pivot(index="change", columns="from_pam", values="value")
    rows = list(dict.fromkeys(table["change"]))
    values = values.reindex(rows)
    seen = table.pivot(index="change", columns="from_pam", values="observed").reindex(rows)
    figure = Figure(figsize=(min(WIDTH, 2.6 + 0.3 * values.shape[1]), 1.1 + ROW * len(rows)))
    axes = figure.subplots()
    top = float(np.abs(np.asarray(values, dtype=float)).max()) or 1.0
    image = axes.imshow(
        np.asarray(values, dtype=float), cmap=DIVERGING, vmin=-top, vmax=top, aspect="auto", interpolation="none"
    )  # fmt: skip
    _hatch(axes, np.asarray(seen, dtype=bool))
    axes.set_yticks(range(len(rows)), rows, fontsize=7.4)
    position_ticks(axes, values.shape[1], int(values.columns[0]))
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("position from the PAM (0 and below: in the PAM)")
    for spine in axes.spines.values():
        spine.set_visible(False)
    bar = figure.colorbar(image, ax=axes, location="right", fraction=0.04, pad=0.02)
    bar.set_label(str(table["unit"].iloc[0]), fontsize=7.6)
    bar.outline.set_visible(False)
    return figure


def _hatch(axes: Axes, seen: np.ndarray) -> None:
    for row, place in np.argwhere(~seen):
        axes.add_patch(
            Rectangle(
                (place - 0.5, row - 0.5), 1, 1, facecolor="none", edgecolor=colour("grey"), hatch=HATCH, linewidth=0
            )
        )  # fmt: skip
