"""An energy matrix as a logo: the letters that strengthen a site stand above the axis."""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pajamo.reports.figures.assays.energy_matrix import EnergyMatrix
from pajamo.reports.figures.assays.letters import draw_letter, letter_colour
from pajamo.reports.figures.assays.matrix_heat import add_bar, draw_heat, row_height
from pajamo.reports.figures.assays.ticks import position_ticks, width_of
from pajamo.reports.figures.theme import bare, colour

SMALLEST: Final = 0.012
"""Letters lower than this share of the tallest stack are not drawn: nobody could read them."""
MOST_LETTERS: Final = 6
"""A logo of a larger alphabet is a crowd; its heat map says more."""
LONGEST: Final = 150
"""Positions of a logo; letters of a longer one would be thinner than lines."""


def logo(matrix: EnergyMatrix) -> Figure:
    """Letters as tall as minus their energy (or as their weight) about the mean of the position."""
    figure = Figure(figsize=(width_of(matrix.length), 1.9))
    axes = figure.subplots()
    draw_logo(axes, matrix)
    position_ticks(axes, matrix.length, matrix.first)
    axes.set_xlabel("position")
    return figure


def logo_and_heat(matrix: EnergyMatrix) -> Figure:
    """The logo above the heat map, over the same positions."""
    if len(matrix.alphabet) > MOST_LETTERS or matrix.length > LONGEST:
        figure = Figure(figsize=(width_of(matrix.length), 0.95 + row_height(matrix) * len(matrix.alphabet)))
        below = figure.subplots()
    else:
        heat = row_height(matrix) * len(matrix.alphabet)
        figure = Figure(figsize=(width_of(matrix.length), 2.15 + heat))
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[1.35, heat])
        draw_logo(above, matrix)
        bare(above, "bottom")
    image = draw_heat(below, matrix)
    below.set_xlabel("position")
    add_bar(figure, below, image, matrix.unit)
    return figure


def draw_logo(axes: Axes, matrix: EnergyMatrix) -> None:
    """Stacks above and below zero, the strongest letter outermost; the wild type is full, the others are pale."""
    heights = matrix.strengths
    above, below = (np.where(sign * heights > 0, heights, 0).sum(axis=1) for sign in (1, -1))
    tallest = float(max(above.max(initial=0), -below.min(initial=0)))
    for place, letters in enumerate(heights):
        native = matrix.wild_type[place : place + 1]
        _stack(axes, place, letters, SMALLEST * tallest, matrix.alphabet, native)
    axes.axhline(0, color=colour("ink"), linewidth=0.7)
    axes.set_xlim(-0.5, matrix.length - 0.5)
    reach = 1.04 * (tallest or 1.0)
    axes.set_ylim(-reach, reach)
    what = "−energy" if matrix.is_energy else "weight"
    axes.set_ylabel(f"{what} about mean,\n{matrix.unit}", fontsize=7.6)
    axes.locator_params(axis="y", nbins=5)


def _stack(axes: Axes, place: int, heights: np.ndarray, smallest: float, alphabet: str, native: str) -> None:
    ends = {1: 0.0, -1: 0.0}
    for column in np.argsort(np.abs(heights), kind="stable"):
        height = float(heights[column])
        if abs(height) <= smallest:
            continue
        sign = 1 if height > 0 else -1
        bottom = min(ends[sign], ends[sign] + height)
        ends[sign] += height
        letter = alphabet[column]
        shown = 1.0 if not native or letter == native else 0.45
        draw_letter(
            axes, letter, (place - 0.5, bottom, 1.0, abs(height)), letter_colour(letter, alphabet), shown
        )
