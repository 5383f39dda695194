"""Numbers of positions along a sequence."""

from __future__ import annotations

from matplotlib.axes import Axes

from pajamo.reports.figures.theme import WIDTH


def position_ticks(axes: Axes, length: int, first: int = 0) -> None:
    """Label round numbers of positions; position `first` of the sequence stands at 0 of the axis."""
    step = next(step for step in (1, 5, 10, 20, 50, 100, 500, 5000, length + 1) if length / step <= 20)
    numbers = [number for number in range(first, first + length) if number % step == 0]
    axes.set_xticks([number - first for number in numbers], [str(number) for number in numbers])


def width_of(length: int) -> float:
    """Inches of a figure with so many positions: letters of a short window need not be as wide as the page."""
    return min(WIDTH, 1.7 + 0.42 * length)
