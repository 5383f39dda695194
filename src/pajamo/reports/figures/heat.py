"""Measured responses, predicted responses and what is left, conditions by genes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering

from pajamo.data.pseudobulk import Array
from pajamo.reports.content import ReportContent
from pajamo.reports.figures.examples import compared_models
from pajamo.reports.figures.theme import DIVERGING, WIDTH, colour
from pajamo.reports.wording import short

MOST_CONDITIONS = 40
MOST_GENES = 28


def heat_tables(content: ReportContent) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measured and predicted changes, the strongest conditions by the most changed genes, clustered."""
    assert content.examples is not None
    table = content.examples[content.examples["model"] == compared_models(content)[0]]
    truth, delta = (
        table.pivot_table(index="condition", columns="gene", values=c) for c in ("truth", "delta")
    )
    conditions = _strongest(truth.pow(2).sum(axis=1), MOST_CONDITIONS)
    genes = _strongest(truth.reindex(conditions).pow(2).mean(), MOST_GENES)
    kept = truth.reindex(index=conditions, columns=genes)
    by_row, by_column = clustered(kept.to_numpy()), clustered(kept.to_numpy().T)
    rows, columns = [conditions[i] for i in by_row], [genes[i] for i in by_column]
    return truth.reindex(index=rows, columns=columns), delta.reindex(index=rows, columns=columns)


def heat(content: ReportContent) -> Figure:
    """Three panels in one colour scale; the last is measured minus predicted."""
    measured, predicted = heat_tables(content)
    figure = Figure(figsize=(WIDTH, 1.5 + 0.145 * len(measured)))
    panels = figure.subplots(1, 3, sharey=True)
    top = float(np.nanquantile(np.abs(measured.to_numpy()), 0.98)) or 1.0
    titles = ("Measured", f"Predicted by {short(compared_models(content)[0], 22)}", "Measured − predicted")
    for axes, table, title in zip(panels, (measured, predicted, measured - predicted), titles, strict=True):
        image = _panel(axes, table, top)
        axes.set_title(title)
    bar = figure.colorbar(
        image, ax=panels, location="bottom", shrink=0.28, aspect=28, pad=0.02, extend="both"
    )
    bar.set_label(f"change, {content.unit}")
    bar.outline.set_visible(False)
    return figure


def clustered(values: Array) -> NDArray[np.intp]:
    """Order of the rows by average linkage, neighbours alike; rows as they are if fewer than three."""
    if len(values) < 3:
        return np.arange(len(values))
    filled = np.nan_to_num(values)
    tree = linkage(filled, method="average")
    return np.asarray(leaves_list(optimal_leaf_ordering(tree, filled)), dtype=np.intp)


def _strongest(size: pd.Series, most: int) -> list[str]:
    return list(size.sort_values(ascending=False, kind="stable").index[:most])


def _panel(axes: Axes, table: pd.DataFrame, top: float) -> AxesImage:
    image = axes.imshow(
        table.to_numpy(), cmap=DIVERGING, vmin=-top, vmax=top, aspect="auto", interpolation="none"
    )
    axes.set_xticks(
        range(table.shape[1]), [short(name, 12) for name in table.columns], rotation=90, fontsize=6.4
    )
    axes.set_yticks(range(table.shape[0]), [short(name, 22) for name in table.index], fontsize=6.8)
    axes.tick_params(length=0)
    axes.tick_params(axis="x", labelcolor=colour("ink"))
    for spine in axes.spines.values():
        spine.set_visible(False)
    return image
