"""Results by class of genetic interaction."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from pajamo.reports.content import ReportContent
from pajamo.reports.figures.dots import Look, dot, ladder_order
from pajamo.reports.figures.theme import SERIES, WIDTH, bare, colour
from pajamo.reports.wording import short

MOST_MODELS = 6
SPREAD = 0.62
"""Share of a row over which its models are spread."""


def category_table(content: ReportContent) -> pd.DataFrame:
    """Rows of the verdict's metric; none if it was not computed by category."""
    table = content.table("categories")
    return pd.DataFrame() if table is None else table[table["metric"] == content.metric]


def category_models(content: ReportContent) -> list[str]:
    """The verdict's model and baseline, then the best of the others."""
    known = set(category_table(content)["model"])
    lead = [content.verdict.model, content.verdict.baseline]
    return [name for name in dict.fromkeys([*lead, *ladder_order(content)]) if name in known][:MOST_MODELS]


def by_category(content: ReportContent) -> Figure:
    """A row a class, a marker a model."""
    table, models = category_table(content), category_models(content)
    sizes = table.groupby("category", sort=False)["n_conditions"].max()
    sizes = sizes.sort_values(ascending=False, kind="stable")
    figure = Figure(figsize=(WIDTH, 1.1 + 0.4 * len(sizes)))
    axes = figure.subplots()
    for place, model in enumerate(models):
        shade, marker = SERIES[place]
        means = table[table["model"] == model].set_index("category")["mean"].reindex(sizes.index)
        shift = (place / max(len(models) - 1, 1) - 0.5) * SPREAD
        for row, value in enumerate(means):
            dot(axes, value, row + shift, Look(shade, marker), 5.0)
        axes.plot([], [], marker, color=colour(shade), linestyle="", label=short(model))
    axes.set_yticks(range(len(sizes)), [f"{short(name)}  ({n})" for name, n in sizes.items()])
    axes.set_ylim(len(sizes) - 0.5, -0.5)
    for edge in range(1, len(sizes)):
        axes.axhline(edge - 0.5, color=colour("line"), linewidth=0.6, zorder=0)
    bare(axes, "left")
    better = "lower" if content.sign(content.metric) < 0 else "higher"
    axes.set_xlabel(f"{content.named(content.metric)}  ·  {better} is better")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0)
    return figure
