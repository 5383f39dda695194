"""Where the states of a mechanism stand in its drawing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from pajamo.models.assays.description import Diagram

Place = tuple[float, float]


def layout(drawn: Diagram) -> dict[str, Place]:
    """Layers by the number of bound sites; a circle for a kinetic scheme, whose states are not ordered.

    Returns
    -------
    Place of each state by name. Layers are a unit apart from left to right, and so are the states of a layer.
    """
    if any(edge.directed for edge in drawn.edges):
        return circle([node.name for node in drawn.nodes])
    levels: dict[int, list[str]] = {}
    for node in drawn.nodes:
        levels.setdefault(len(node.bound), []).append(node.name)
    return _layers([levels[key] for key in sorted(levels)], _neighbours(drawn))


def circle(names: Sequence[str]) -> dict[str, Place]:
    """Evenly on a circle, clockwise from the left; two states stand side by side."""
    around = max(len(names), 1)
    radius = 0.5 / math.sin(math.pi / around) if around > 2 else 0.7
    turns = [math.pi - 2 * math.pi * number / around for number in range(len(names))]
    return {
        name: (radius * math.cos(turn), radius * math.sin(turn))
        for name, turn in zip(names, turns, strict=True)
    }


def _neighbours(drawn: Diagram) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {node.name: [] for node in drawn.nodes}
    for edge in drawn.edges:
        found[edge.source].append(edge.target)
        found[edge.target].append(edge.source)
    return found


def _layers(levels: Sequence[Sequence[str]], neighbours: Mapping[str, Sequence[str]]) -> dict[str, Place]:
    """Layer by layer, each ordered by the mean place of its neighbours in the one before (Sugiyama's barycentre)."""
    places: dict[str, Place] = {}
    for column, names in enumerate(levels):
        heights = {
            name: _mean([places[other][1] for other in neighbours[name] if other in places]) for name in names
        }
        ordered = sorted(names, key=lambda name: -heights[name])
        top = (len(ordered) - 1) / 2
        places |= {name: (float(column), top - row) for row, name in enumerate(ordered)}
    return places


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
