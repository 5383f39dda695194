"""Responses over time, measured and predicted."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pajamo.reports.content import ReportContent
from pajamo.reports.figures.theme import WIDTH, colour
from pajamo.reports.wording import blank, short

MOST_PERTURBATIONS = 3
MOST_GENES = 4
DODGE = 0.03
"""Share of the time axis by which predictions stand beside the measurement, so that none is hidden."""


def panels(content: ReportContent) -> list[tuple[str, list[str]]]:
    """The strongest perturbations, each with the genes that change most at any time."""
    table = content.time_course
    assert table is not None
    peak = table.assign(size=table["truth"].abs()).groupby(["perturbation", "gene"], sort=False)["size"].max()
    strength = peak.groupby(level=0, sort=False).apply(lambda sizes: (sizes**2).sum())
    strongest = strength.sort_values(ascending=False, kind="stable").index[:MOST_PERTURBATIONS]
    return [
        (str(name), list(peak[name].sort_values(ascending=False, kind="stable").index[:MOST_GENES]))
        for name in strongest
    ]


def time_course(content: ReportContent) -> Figure:
    """A row a perturbation, a panel a gene: line measured, hollow markers predicted."""
    assert content.time_course is not None
    chosen = panels(content)
    across = max(len(genes) for _, genes in chosen)
    figure = Figure(figsize=(WIDTH, 0.55 + 1.65 * len(chosen)))
    grid = figure.subplots(len(chosen), across, squeeze=False, sharex=True, sharey="row")
    for row, (perturbation, genes) in zip(grid, chosen, strict=True):
        for axes in row[len(genes) :]:
            axes.remove()
        for axes, gene in zip(row, genes, strict=False):
            table = content.time_course
            _panel(axes, table[(table["perturbation"] == perturbation) & (table["gene"] == gene)], content)
            axes.set_title(f"{short(perturbation, 14)} → {short(gene, 12)}", fontsize=8.2)
    figure.supxlabel("time", fontsize=8.5)
    figure.supylabel(f"change, {content.unit}", fontsize=8.5)
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=3)
    return figure


def _panel(axes: Axes, rows: pd.DataFrame, content: ReportContent) -> None:
    axes.axhline(0, color=colour("line"), linewidth=0.8, zorder=0)
    truth = rows.groupby("time")[["truth", "truth_se"]].mean()
    axes.errorbar(
        truth.index, truth["truth"], yerr=truth["truth_se"].fillna(0), color=colour("ink"), linewidth=1.1,
        marker=".", markersize=5, elinewidth=0.7, label="measured",
    )  # fmt: skip
    looks = ((content.verdict.model, "blue", "o"), (content.verdict.baseline, "grey", "D"))
    apart = DODGE * (truth.index.max() - truth.index.min())
    for place, (model, shade, marker) in enumerate(dict.fromkeys(looks)):
        made = rows[rows["model"] == model].groupby("time")[["delta", "sd"]].mean()
        if blank(model) or made.empty:
            continue
        axes.errorbar(
            made.index + apart * (place + 1), made["delta"], yerr=made["sd"].fillna(0), color=colour(shade),
            marker=marker, markersize=5.5, linestyle="", markerfacecolor=colour("paper"), elinewidth=0.9,
            markeredgewidth=1.3, label=short(model),
        )  # fmt: skip
    axes.set_xticks(sorted(truth.index))
    axes.margins(x=0.08)
