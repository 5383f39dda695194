"""States and the events that join them, for a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pajamo.config.assays import KineticSettings, LatentSettings
from pajamo.models.assays.blueprint import Blueprint
from pajamo.models.assays.description.symbols import Symbols, activity
from pajamo.models.assays.description.tables import log_rate, made_by


@dataclass(frozen=True)
class Node:
    """A state to be drawn.

    Attributes
    ----------
    name: of the declared state.
    bound: sites that are bound in it.
    rates: its activity in each output at steady state, as text; "0" for silent ones.
    arrangements: how many placements it stands for.
    """

    name: str
    bound: tuple[str, ...]
    rates: tuple[str, ...]
    arrangements: int = 1


@dataclass(frozen=True)
class Edge:
    """Two states that one event joins.

    Attributes
    ----------
    source, target: names of the states.
    label: the site that is bound, or ln of the transition's rate.
    directed: whether the event leads one way only, as a transition does; binding goes both ways.
    makes: outputs that a passage makes.
    """

    source: str
    target: str
    label: str
    directed: bool = False
    makes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Diagram:
    """Nodes and edges of a mechanism's graph."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def diagram(blueprint: Blueprint) -> Diagram:
    """The graph of a mechanism: declared states, joined where one site more is bound, or by transitions.

    A latent trait has no states, and its graph is empty.
    """
    if isinstance(blueprint.settings, LatentSettings):
        return Diagram((), ())
    if isinstance(blueprint.settings, KineticSettings):
        return Diagram(_nodes(blueprint, [()] * len(blueprint.states)), _transitions(blueprint))
    bound = [
        tuple(name.split("@")[0] for name in blueprint.bound[_first(blueprint, number)])
        for number in range(len(blueprint.groups))
    ]
    nodes = _nodes(blueprint, bound)
    return Diagram(nodes, tuple(_bindings(nodes)))


def _first(blueprint: Blueprint, group: int) -> int:
    return group if blueprint.group_of_state is None else int(np.argmax(blueprint.group_of_state == group))


def _nodes(blueprint: Blueprint, bound: list[tuple[str, ...]]) -> tuple[Node, ...]:
    names, symbols = blueprint.groups or blueprint.states, Symbols()
    counts = [1] * len(names) if blueprint.group_of_state is None else np.bincount(blueprint.group_of_state)
    return tuple(
        Node(
            name,
            bound[number],
            tuple(
                activity(blueprint, output, _first(blueprint, number), symbols)
                for output in range(len(blueprint.steady))
            ),
            int(counts[number]),
        )
        for number, name in enumerate(names)
    )


def _bindings(nodes: tuple[Node, ...]) -> list[Edge]:
    return [
        Edge(fewer.name, more.name, *(set(more.bound) - set(fewer.bound)))
        for fewer in nodes
        for more in nodes
        if set(fewer.bound) < set(more.bound) and len(more.bound) == len(fewer.bound) + 1
    ]


def _transitions(blueprint: Blueprint) -> tuple[Edge, ...]:
    symbols = Symbols()
    return tuple(
        Edge(
            source,
            target,
            log_rate(blueprint, row, symbols),
            directed=True,
            makes=made_by(blueprint, row),
        )
        for row, (source, target) in enumerate(blueprint.transitions)
    )
