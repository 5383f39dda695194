"""The mechanism drawn: states as boxes, binding events as lines, transitions as arrows with their rates."""

from __future__ import annotations

import re
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from pajamo.models.assays.description import Diagram, Edge, Node
from pajamo.reports.figures.assays.layout import Place, layout
from pajamo.reports.figures.theme import WIDTH, colour
from pajamo.reports.wording import short

MOST_STATES: Final = 40
"""A drawing of more states is a knot; the table lists them."""
ACROSS: Final = 2.5
UP: Final = 0.95
CIRCLE: Final = 2.3
"""Inches between neighbours: in a row, in a column, on a circle."""
MARGIN: Final = 0.95, 0.6
"""Inches about the outermost states."""
LETTER: Final = 0.073
LINE: Final = 0.155
"""Inches of a letter and of a line at the boxes' size of type."""
BENT: Final = 0.2


def state_diagram(drawn: Diagram, outputs: tuple[str, ...] = ()) -> Figure:
    """Every declared state; active ones in vermilion with their rate; dashed arrows make an output.

    Parameters
    ----------
    drawn: nodes and edges.
    outputs: names of what is recorded, where there are several rates a state.
    """
    kinetic = any(edge.directed for edge in drawn.edges)
    places, size = _in_inches(layout(drawn), (CIRCLE, CIRCLE) if kinetic else (ACROSS, UP))
    figure = Figure(figsize=size)
    # Its places are in inches already: nothing is left to be laid out.
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, size[0])
    axes.set_ylim(0, size[1])
    boxes = {node.name: _node(axes, node, places[node.name], outputs) for node in drawn.nodes}
    for edge in drawn.edges:
        _edge(axes, edge, places, boxes, BENT if kinetic and _returns(edge, drawn) else 0.0)
    return figure


def _in_inches(places: dict[str, Place], apart: Place) -> tuple[dict[str, Place], Place]:
    """Places scaled so that the drawing fits the page, with the figure's size."""
    low = [min(axis) for axis in zip(*places.values(), strict=True)]
    span = [max(axis) - start for axis, start in zip(zip(*places.values(), strict=True), low, strict=True)]
    across = min(apart[0], (WIDTH - 2 * MARGIN[0]) / span[0]) if span[0] else apart[0]
    moved = {
        name: (MARGIN[0] + (x - low[0]) * across, MARGIN[1] + (y - low[1]) * apart[1])
        for name, (x, y) in places.items()
    }
    return moved, (2 * MARGIN[0] + span[0] * across, 2 * MARGIN[1] + span[1] * apart[1])


def _returns(edge: Edge, drawn: Diagram) -> bool:
    """Whether a transition leads back, so that both must be bent apart."""
    return any((other.source, other.target) == (edge.target, edge.source) for other in drawn.edges)


def _node(axes: Axes, node: Node, place: Place, outputs: tuple[str, ...]) -> FancyBboxPatch:
    lines = caption(node, outputs)
    shade = "vermilion" if any(rate != "0" for rate in node.rates) else "grey"
    width, height = 0.16 + LETTER * max(map(len, lines)), 0.14 + LINE * len(lines)
    box = FancyBboxPatch(
        (place[0] - width / 2, place[1] - height / 2),
        width,
        height,
        boxstyle="round,pad=0.02,rounding_size=0.07",
        facecolor=colour("paper"),
        edgecolor=colour(shade),
        linewidth=1.3,
        zorder=3,
    )
    axes.add_patch(box)
    axes.text(
        *place, "\n".join(lines), ha="center", va="center", fontsize=8, linespacing=1.3, zorder=4,
        color=colour("ink" if shade == "grey" else shade),
    )  # fmt: skip
    return box


def caption(node: Node, outputs: tuple[str, ...]) -> list[str]:
    """Lines of a state's box: its name, its arrangements, its rates where it makes anything."""
    several = len(outputs) > 1
    rates = [
        f"{outputs[number]}: {short(rate, 14)}" if several else f"rate {short(rate, 16)}"
        for number, rate in enumerate(node.rates)
        if rate != "0"
    ]
    arranged = [f"{node.arrangements} arrangements"] if node.arrangements > 1 else []
    return [short(node.name, 24), *arranged, *rates]


def _edge(
    axes: Axes, edge: Edge, places: dict[str, Place], boxes: dict[str, FancyBboxPatch], bend: float
) -> None:
    start, end = places[edge.source], places[edge.target]
    shade = colour("vermilion" if edge.makes else "muted")
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>" if edge.directed else "<|-|>",
            mutation_scale=9,
            linewidth=1.0,
            color=shade,
            linestyle=(0, (4, 2)) if edge.makes else "-",
            connectionstyle=f"arc3,rad={bend}",
            patchA=boxes[edge.source],
            patchB=boxes[edge.target],
            shrinkA=2,
            shrinkB=2,
            zorder=2,
        )
    )
    text = short(rate_label(edge.label), 34) if edge.directed else f"+ {short(edge.label, 16)}"
    axes.text(
        *_beside(start, end, bend), text + (f"\nmakes {', '.join(edge.makes)}" if edge.makes else ""), ha="center",
        va="center", fontsize=7.4, color=shade, zorder=5,
        bbox={"facecolor": colour("paper"), "edgecolor": "none", "pad": 1.0},
    )  # fmt: skip


def _beside(start: Place, end: Place, bend: float) -> Place:
    """The middle of a bent line; off the middle of a straight one, so that labels of crossing lines keep apart."""
    share = 0.5 if bend else 0.36
    x, y = (a + share * (b - a) for a, b in zip(start, end, strict=True))
    across, up = end[0] - start[0], end[1] - start[1]
    return x + 0.5 * bend * up, y - 0.5 * bend * across


def rate_label(log_rate: str) -> str:
    """ln of a rate as it is written; a known rate as a number in 1/s."""
    if log_rate == "0":
        return "k = 1/s"
    known = re.fullmatch(r"ln ([0-9.e+-]+)", log_rate)
    return f"k = {known.group(1)}/s" if known else log_rate
