"""Predicted against measured, with the band that the instrument's noise alone would fill."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from pajamo.reports.figures.assays.energy_matrix import Array
from pajamo.reports.figures.theme import colour
from pajamo.reports.wording import count

MOST_DOTS: Final = 1500
"""More sequences are drawn as a density: dots would hide one another, and swell the page."""
CELLS: Final = 60
GROUPS: Final = 16
"""Groups of sequences with like predictions, whose means are drawn."""
LEAST: Final = 10
"""Sequences of a group; a mean of fewer says little."""


def predicted_against_measured(
    rows: pd.DataFrame, what: str, band: pd.DataFrame | None = None, metrics: str = ""
) -> Figure:
    """A dot a sequence, or their density.

    Parameters
    ----------
    rows: columns expected and measured, in the unit recorded.
    what: is recorded, with its unit: "mean bin", "fitness, log2".
    band: columns expected, low, high: where 90 % of readings of sequences with this prediction fall.
    metrics: figures of the model on these rows, written above the picture.
    """
    figure = Figure(figsize=(6.0, 4.9))
    axes = figure.subplots()
    shown = rows[np.isfinite(rows["expected"]) & np.isfinite(rows["measured"])]
    if band is not None:
        axes.fill_between(
            band["expected"], band["low"], band["high"], color=colour("amber"), alpha=0.22, linewidth=0,
            label="90 % of the noise", zorder=1,
        )  # fmt: skip
        for end in ("low", "high"):
            axes.plot(band["expected"], band[end], color=colour("amber"), linewidth=1.1, zorder=3)
    _points(figure, axes, shown)
    _means(axes, shown)
    _frame(axes, shown, what)
    axes.set_title(
        "  ·  ".join(part for part in (f"{count(len(shown))} sequences", metrics) if part), fontsize=8.2
    )
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper left", handlelength=1.4, ncols=3)
    return figure


def _points(figure: Figure, axes: Axes, rows: pd.DataFrame) -> None:
    x, y = (rows[name].to_numpy(dtype=float) for name in ("expected", "measured"))
    if len(rows) <= MOST_DOTS:
        axes.plot(x, y, "o", color=colour("blue"), markersize=2.6, alpha=0.55, markeredgewidth=0, zorder=2)
        return
    density, right, up = np.histogram2d(x, y, bins=(CELLS, _rows(y)))
    image = axes.pcolormesh(
        right,
        up,
        np.ma.masked_equal(density.T, 0),
        cmap="Blues",
        norm=LogNorm(vmin=0.5),
        rasterized=True,
        zorder=2,
    )
    bar = figure.colorbar(image, ax=axes, shrink=0.55, aspect=20, pad=0.02)
    bar.set_label("sequences")
    bar.ax.yaxis.set_major_formatter(LogFormatter(labelOnlyBase=True))
    bar.outline.set_visible(False)


def _rows(y: Array) -> Array | int:
    """Edges of the density's rows: between whole numbers where most sequences were read once and have no others."""
    if np.mean(y == np.round(y)) < 0.5 or np.ptp(y) > CELLS:
        return CELLS
    return np.arange(np.floor(y.min()) - 0.5, np.ceil(y.max()) + 1)


def group_means(rows: pd.DataFrame) -> pd.DataFrame:
    """Means of groups of equal size, ordered by their prediction, each reading counted once.

    Parameters
    ----------
    rows: columns expected, measured and, where rows stand for several readings, observations.

    Returns
    -------
    Columns expected, measured and error, the standard error of the latter over sequences.
    """
    weighted = rows.assign(weight=rows["observations"].astype(float) if "observations" in rows else 1.0)
    ordered = weighted[weighted["weight"] > 0].sort_values("expected", kind="stable")
    found = []
    for own in np.array_split(np.arange(len(ordered)), min(GROUPS, max(len(ordered) // LEAST, 1))):
        part = ordered.iloc[own]
        weight = (part["weight"] / part["weight"].sum()).to_numpy()
        measured = float(weight @ part["measured"])
        error = float(np.sqrt(weight**2 @ (part["measured"] - measured) ** 2))
        found.append((float(weight @ part["expected"]), measured, error))
    return pd.DataFrame(found, columns=["expected", "measured", "error"])


def _means(axes: Axes, rows: pd.DataFrame) -> None:
    if len(rows) < 2 * LEAST:
        return
    means = group_means(rows)
    axes.errorbar(
        means["expected"],
        means["measured"],
        yerr=2 * means["error"],
        fmt="D",
        color=colour("vermilion"),
        markersize=4,
        markerfacecolor=colour("paper"),
        elinewidth=1,
        zorder=4,
        label="means ± 2 s.e.",
    )


def _frame(axes: Axes, rows: pd.DataFrame, what: str) -> None:
    x = rows["expected"]
    ends = (float(x.min()), float(x.max())) if len(x) else (0.0, 1.0)
    axes.plot(ends, ends, color=colour("ink"), linewidth=0.9, zorder=3, label="prediction = measurement")
    axes.set_xlabel(f"predicted {what}")
    axes.set_ylabel(f"measured {what}")
