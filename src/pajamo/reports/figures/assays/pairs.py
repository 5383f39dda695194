"""A pairwise map as a triangle: what two letters do together beyond what each does alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pajamo.reports.figures.assays.energy_matrix import Array
from pajamo.reports.figures.assays.ticks import position_ticks
from pajamo.reports.figures.theme import DIVERGING, colour

MOST_CELLS: Final = 30_000
"""Beyond so many letter pairs a cell would be finer than a pixel, and pairs of positions are drawn instead."""


@dataclass(frozen=True)
class PairMap:
    """Weights of pairs of letters.

    Attributes
    ----------
    name: of the map.
    values: shape (pairs, letters, letters).
    first, second: positions of each pair in the window, first < second; shape (pairs,).
    length: positions of the window.
    alphabet: the letters.
    wild_type: the unmutated letters, or "".
    start: number of the window's first position in the sequence.
    unit: of the values.
    """

    name: str
    values: Array
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    length: int
    alphabet: str
    wild_type: str = ""
    start: int = 0
    unit: str = "kcal/mol"

    @property
    def by_letter(self) -> bool:
        """Whether there is room for every pair of letters."""
        return (self.length * len(self.alphabet)) ** 2 <= MOST_CELLS


def pair_triangle(pairs: PairMap) -> Figure:
    """The half above the diagonal of positions by positions; each block holds the letters by letters of a pair.

    A map with many positions shows one cell a pair: the root mean square of its letters' weights.
    """
    figure = Figure(figsize=(6.6, 5.6))
    axes = figure.subplots()
    block = len(pairs.alphabet) if pairs.by_letter else 1
    square = np.ma.masked_invalid(_square(pairs, block))
    top = float(np.abs(square).max()) if square.count() else 1.0
    image = axes.imshow(
        square,
        cmap=DIVERGING if pairs.by_letter else "Blues",
        vmin=-(top or 1.0) if pairs.by_letter else 0.0,
        vmax=top or 1.0,
        interpolation="none",
        extent=(-0.5, pairs.length - 0.5, pairs.length - 0.5, -0.5),
    )
    _mark(axes, pairs)
    _frame(axes, pairs)
    what = pairs.unit if pairs.by_letter else f"root mean square over letters, {pairs.unit}"
    bar = figure.colorbar(image, ax=axes, location="right", shrink=0.6, aspect=22, pad=0.02)
    bar.set_label(what)
    bar.outline.set_visible(False)
    return figure


def _square(pairs: PairMap, block: int) -> Array:
    square = np.full((pairs.length * block, pairs.length * block), np.nan)
    for values, one, two in zip(pairs.values, pairs.first, pairs.second, strict=True):
        shown = values if block > 1 else np.sqrt(np.mean(values**2))
        square[one * block : (one + 1) * block, two * block : (two + 1) * block] = shown
    return square


def _mark(axes: Axes, pairs: PairMap) -> None:
    """A dot where both letters are the wild type's."""
    if not pairs.by_letter or not pairs.wild_type:
        return
    share = 1 / len(pairs.alphabet)
    native = [pairs.alphabet.index(letter) if letter in pairs.alphabet else -1 for letter in pairs.wild_type]
    known = [(a, b) for a, b in zip(pairs.first, pairs.second, strict=True) if min(native[a], native[b]) >= 0]
    axes.plot(
        [b - 0.5 + (native[b] + 0.5) * share for _, b in known],
        [a - 0.5 + (native[a] + 0.5) * share for a, _ in known],
        "o", color=colour("ink"), markersize=2.2, linestyle="", label="wild type",
    )  # fmt: skip


def _frame(axes: Axes, pairs: PairMap) -> None:
    position_ticks(axes, pairs.length, pairs.start)
    axes.set_yticks(axes.get_xticks(), [label.get_text() for label in axes.get_xticklabels()])
    axes.set_xlim(0.5, pairs.length - 0.5)
    axes.set_ylim(pairs.length - 1.5, -0.5)
    axes.set_xlabel("second position")
    axes.set_ylabel("first position")
    for place in range(pairs.length):
        axes.plot([place + 0.5, place + 0.5], [-0.5, place + 0.5], color=colour("line"), linewidth=0.5)
        axes.plot([place - 0.5, pairs.length - 0.5], [place - 0.5] * 2, color=colour("line"), linewidth=0.5)
    for spine in axes.spines.values():
        spine.set_visible(False)
