"""Genetic interactions of the measured doubles: classes, and the map of who interacts with whom."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from pajamo.reports.content import ReportContent
from pajamo.reports.figures.heat import clustered
from pajamo.reports.figures.labels import name_points
from pajamo.reports.figures.theme import DIVERGING, SERIES, WIDTH, colour
from pajamo.reports.wording import short

STRENGTHS = (0.125, 0.25, 0.5, 1, 2, 4)
MOST_GENES = 60
PREDICTED = "strength_predicted"


def usable(content: ReportContent) -> pd.DataFrame:
    """Doubles whose strength is a positive number."""
    table = content.interactions
    assert table is not None
    # Genes named by numbers come back from a file as numbers.
    found: pd.DataFrame = table[_positive(table["strength"])].astype({"gene_1": str, "gene_2": str})
    return found


def _positive(values: pd.Series) -> NDArray[np.bool_]:
    numbers = values.to_numpy(dtype=float)
    return np.asarray(np.isfinite(numbers) & (numbers > 0))


def interaction_classes(content: ReportContent) -> Figure:
    """Measured over additive response against what the singles explain and, if there, as predicted."""
    table = usable(content)
    compare = PREDICTED in table
    if compare:
        table = table.assign(**{PREDICTED: table[PREDICTED].where(_positive(table[PREDICTED]))})
    figure = Figure(figsize=(WIDTH, 4.2 if compare else 4.0))
    panels = figure.subplots(1, 2 if compare else 1, squeeze=False)[0]
    for axes, column in zip(panels, ("explained", PREDICTED), strict=False):
        _scatter(axes, table, column)
        axes.axhline(1, color=colour("grey"), linewidth=0.9, zorder=1)
    panels[0].set_xlabel("share of the double that its singles explain")
    panels[0].set_ylabel("measured response ÷ sum of the singles")
    if compare:
        panels[1].set_xscale("log", base=2)
        _octaves(panels[1], "x")
        panels[1].axline((1, 1), (2, 2), color=colour("grey"), linewidth=0.9, zorder=1)
        panels[1].set_xlabel(f"the same as predicted by {short(content.verdict.model)}")
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, handletextpad=0.1
    )
    figure.draw_without_rendering()
    for axes, column in zip(panels, ("explained", PREDICTED), strict=False):
        _name_extremes(axes, table, column)
    return figure


def _scatter(axes: Axes, table: pd.DataFrame, column: str) -> None:
    for place, (name, rows) in enumerate(table.groupby("class", sort=True)):
        shade, marker = SERIES[place % len(SERIES)]
        axes.plot(
            rows[column], rows["strength"], marker, color=colour(shade), markersize=5, alpha=0.9,
            linestyle="", label=f"{short(name)} ({len(rows)})",
        )  # fmt: skip
    axes.set_yscale("log", base=2)
    _octaves(axes, "y")
    axes.grid()


def _octaves(axes: Axes, which: str) -> None:
    axis = axes.xaxis if which == "x" else axes.yaxis
    low, high = axis.get_view_interval()
    ticks = [tick for tick in STRENGTHS if low <= tick <= high]
    axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
    # Minor ticks of a logarithmic axis label themselves with powers of two.
    axis.set_minor_locator(NullLocator())


def _name_extremes(axes: Axes, table: pd.DataFrame, column: str) -> None:
    shown = table[table[column].notna()]
    order = np.argsort(-np.abs(np.log2(shown["strength"].to_numpy())), kind="stable")[:10]
    far = shown.iloc[order]
    names = [f"{a}+{b}" for a, b in zip(far["gene_1"], far["gene_2"], strict=True)]
    name_points(
        axes,
        far[column].to_numpy(),
        far["strength"].to_numpy(),
        names,
        shown[[column, "strength"]].to_numpy(),
    )


def interaction_matrix(content: ReportContent) -> pd.DataFrame:
    """log2(strength) by gene and gene, symmetric, clustered; NaN where the pair was not measured."""
    table = usable(content)
    both = pd.concat([table, table.rename(columns={"gene_1": "gene_2", "gene_2": "gene_1"})])
    often = both["gene_1"].value_counts(sort=False).sort_index().sort_values(ascending=False, kind="stable")
    genes = sorted(often.index[:MOST_GENES])
    octaves = both.assign(octaves=np.log2(both["strength"]))
    matrix = octaves.pivot_table(index="gene_1", columns="gene_2", values="octaves")
    found = matrix.reindex(index=genes, columns=genes)
    ordered = [genes[i] for i in clustered(found.to_numpy())]
    return found.reindex(index=ordered, columns=ordered)


def interaction_map(content: ReportContent) -> Figure:
    """Red: stronger together than the sum; blue: weaker; grey: not measured."""
    matrix = interaction_matrix(content)
    side = min(WIDTH - 2.2, 2.2 + 0.13 * len(matrix))
    figure = Figure(figsize=(side + 1.2, side))
    axes = figure.subplots()
    axes.set_facecolor(to_rgba(colour("missing")))
    image = axes.imshow(matrix.to_numpy(), cmap=DIVERGING, vmin=-2, vmax=2, interpolation="none")
    names = [short(name, 12) for name in matrix.index]
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=6.4, color=colour("ink"))
    axes.set_yticks(range(len(names)), names, fontsize=6.4)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    bar = figure.colorbar(image, ax=axes, shrink=0.5, aspect=24, extend="both", ticks=[-2, -1, 0, 1, 2])
    bar.ax.set_yticklabels(["¼", "½", "additive", "2", "4"])
    bar.set_label("measured response ÷ sum of the singles")
    bar.outline.set_visible(False)
    return figure
