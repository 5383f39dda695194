"""Declared sites along a sequence, marked in figures that have positions on their axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.axes import Axes

from pajamo.reports.figures.theme import colour
from pajamo.reports.wording import short

SHADES: Final = ("sky", "amber", "green", "purple", "vermilion")
"""Of the sites, in their order."""
LETTER: Final = 0.0075
"""Width of a letter of a name, as a share of a figure that fills the page."""


@dataclass(frozen=True)
class Window:
    """A site along the sequence: positions `start` to `end` - 1; `slides` where it may lie anywhere in them."""

    name: str
    start: int
    end: int
    slides: bool = False

    @property
    def label(self) -> str:
        """Name to be written."""
        return short(self.name.removeprefix("ln ").replace("->", "→"), 22) + (
            " (slides)" if self.slides else ""
        )


def shade_sites(axes: Axes, sites: Sequence[Window]) -> None:
    """Bands behind bars, with the sites' names at their top; neighbours have theirs on different lines."""
    for site, line in zip(sites, lines_of(sites, _length(axes)), strict=True):
        shade = colour(SHADES[list(sites).index(site) % len(SHADES)])
        axes.axvspan(site.start - 0.5, site.end - 0.5, color=shade, alpha=0.16, linewidth=0, zorder=0)
        axes.text(
            (site.start + site.end - 1) / 2, 0.98 - 0.085 * line, site.label, va="top", ha="center", fontsize=7.6,
            transform=axes.get_xaxis_transform(),
        )  # fmt: skip


def bracket_sites(axes: Axes, sites: Sequence[Window]) -> None:
    """Lines above a map, with the sites' names on them."""
    for number, (site, line) in enumerate(zip(sites, lines_of(sites, _length(axes)), strict=True)):
        shade = colour(SHADES[number % len(SHADES)])
        arrow = {"arrowstyle": "-", "color": shade, "linewidth": 3, "shrinkA": 0, "shrinkB": 0}
        height = 5 + 15 * line
        ends = [(place, 1.0) for place in (site.start - 0.5, site.end - 0.5)]
        axes.annotate(
            "", ends[0], xytext=ends[1], xycoords=("data", "axes fraction"), textcoords=("data", "axes fraction"),
            arrowprops=arrow, annotation_clip=False,
        ).set_zorder(1)  # fmt: skip
        axes.annotate(
            site.label, ((site.start + site.end - 1) / 2, 1.0), xycoords=("data", "axes fraction"),
            xytext=(0, height), textcoords="offset points", ha="center", va="bottom", fontsize=7.6,
            annotation_clip=False,
        )  # fmt: skip


def lines_of(sites: Sequence[Window], length: float) -> list[int]:
    """For each site the first line of names on which no other name is in its way, on an axis of so many positions."""
    taken: list[list[tuple[float, float]]] = []
    lines = []
    for site in sites:
        middle, half = (site.start + site.end) / 2, LETTER * length * len(site.label) / 2
        own = (middle - half, middle + half)
        line = next(
            (i for i, held in enumerate(taken) if all(own[1] <= a or b <= own[0] for a, b in held)),
            len(taken),
        )
        if line == len(taken):
            taken.append([])
        taken[line].append(own)
        lines.append(line)
    return lines


def _length(axes: Axes) -> float:
    low, high = axes.get_xlim()
    return high - low
