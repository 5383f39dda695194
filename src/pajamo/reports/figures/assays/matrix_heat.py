"""An energy matrix as a heat map: letters down, positions across, the wild type dotted."""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from pajamo.reports.figures.assays.energy_matrix import EnergyMatrix
from pajamo.reports.figures.assays.ticks import position_ticks, width_of
from pajamo.reports.figures.theme import DIVERGING, colour

HATCH: Final = "////"


def matrix_heat(matrix: EnergyMatrix) -> Figure:
    """Weights about their mean at each position; red letters weaken, blue letters strengthen what the site does."""
    figure = Figure(figsize=(width_of(matrix.length), 0.95 + row_height(matrix) * len(matrix.alphabet)))
    axes = figure.subplots()
    image = draw_heat(axes, matrix)
    axes.set_xlabel("position")
    add_bar(figure, axes, image, matrix.unit)
    return figure


def row_height(matrix: EnergyMatrix) -> float:
    """Inches of a letter's row."""
    return 0.2 if len(matrix.alphabet) <= 6 else 0.135


def draw_heat(axes: Axes, matrix: EnergyMatrix) -> AxesImage:
    """The map with dots on the wild type and hatching on letters that never occur."""
    values = np.ma.masked_invalid(matrix.centred.T)
    top = float(np.abs(values).max()) if values.count() else 1.0
    image = axes.imshow(
        values, cmap=DIVERGING, vmin=-(top or 1.0), vmax=top or 1.0, aspect="auto", interpolation="none"
    )
    _hatch(axes, matrix)
    marked = matrix.marked()
    axes.plot(
        [place for place, _ in marked], [row for _, row in marked], "o", color=colour("ink"), linestyle="",
        markersize=2.8 if matrix.length > 60 else 3.6, markeredgecolor=colour("paper"), markeredgewidth=0.5,
        label="wild type",
    )  # fmt: skip
    axes.set_yticks(range(len(matrix.alphabet)), list(matrix.alphabet), fontsize=7.4)
    position_ticks(axes, matrix.length, matrix.first)
    axes.tick_params(axis="y", length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return image


def _hatch(axes: Axes, matrix: EnergyMatrix) -> None:
    if matrix.seen is None:
        return
    for place, row in np.argwhere(~matrix.seen):
        axes.add_patch(
            Rectangle(
                (place - 0.5, row - 0.5),
                1,
                1,
                facecolor=colour("missing"),
                edgecolor=colour("grey"),
                hatch=HATCH,
                linewidth=0,
            )
        )


def add_bar(figure: Figure, axes: Axes, image: AxesImage, unit: str) -> None:
    """The colour scale at the right."""
    bar = figure.colorbar(image, ax=axes, location="right", fraction=0.03, pad=0.012, aspect=12)
    bar.set_label(unit, fontsize=7.6)
    bar.ax.tick_params(labelsize=7)
    bar.ax.locator_params(nbins=5)
    bar.outline.set_visible(False)
