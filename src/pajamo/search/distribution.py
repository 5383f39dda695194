"""A distribution over hypotheses, estimated from the best so far, with dependence between choices.

For each mechanism a tree of choices is learned (Chow and Liu 1968, IEEE Trans Inf Theory 14, 462): each choice
depends on the one with which it shares most information, so that the start of a window can depend on its length, or
one window on its neighbour's end. Probabilities are Dirichlet-multinomial with one pseudo-count a choice, as in
AMBER's probabilistic model-building search, which keeps choices independent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pajamo.search.space import Candidate, Space

Array = NDArray[np.float64]
PRIOR = 1.0
"""Pseudo-counts of each distribution, shared out among its options."""
FEWEST = 20
"""Hypotheses of a mechanism below which its choices are taken as independent: dependence would be noise."""


@dataclass(frozen=True)
class Tree:
    """Choices of one mechanism, each after the one that it depends on.

    Attributes
    ----------
    order: choices, parents first.
    parent: for each choice the one that it depends on, or -1.
    tables: for each choice the probabilities of its options, by the parent's option; shape (options of the parent, or
        1, options).
    """

    order: tuple[int, ...]
    parent: tuple[int, ...]
    tables: tuple[Array, ...]

    def draw(self, rng: np.random.Generator) -> tuple[int, ...]:
        """An option for each choice."""
        places = [0] * len(self.order)
        for choice in self.order:
            above = self.parent[choice]
            row = self.tables[choice][places[above] if above >= 0 else 0]
            places[choice] = int(rng.choice(len(row), p=row))
        return tuple(places)


@dataclass(frozen=True)
class Distribution:
    """Mechanisms with their probabilities, and a tree of choices for each."""

    names: tuple[str, ...]
    probabilities: Array
    trees: Mapping[str, Tree]

    @classmethod
    def estimated(cls, space: Space, best: Sequence[Candidate]) -> Distribution:
        """From the hypotheses that were best."""
        counts = np.array([sum(c.mechanism == name for c in best) for name in space.names], dtype=float)
        shares = (counts + PRIOR / len(counts)) / (counts.sum() + PRIOR)
        trees = {}
        for name in space.names:
            places = [c.places for c in best if c.mechanism == name]
            table = np.array(places, dtype=np.intp).reshape(len(places), len(space.sizes(name)))
            trees[name] = tree_of(table, space.sizes(name))
        return cls(space.names, shares, trees)

    def draw(self, rng: np.random.Generator) -> Candidate:
        """A hypothesis."""
        name = self.names[int(rng.choice(len(self.names), p=self.probabilities))]
        return Candidate(name, self.trees[name].draw(rng))


def tree_of(places: NDArray[np.intp], sizes: Sequence[int]) -> Tree:
    """The tree of most shared information through options that were chosen, shape (hypotheses, choices)."""
    count = len(sizes)
    parent = _parents(places, sizes) if len(places) >= FEWEST else [-1] * count
    order = _parents_first(parent)
    tables = tuple(_table(places, sizes, choice, parent[choice]) for choice in range(count))
    return Tree(order, tuple(parent), tables)


def _table(places: NDArray[np.intp], sizes: Sequence[int], choice: int, above: int) -> Array:
    """Probabilities of a choice's options; the marginal ones stand in where the parent's option is rare."""
    marginal = np.bincount(places[:, choice], minlength=sizes[choice]) + PRIOR / sizes[choice]
    marginal = marginal / marginal.sum()
    if above < 0:
        return np.asarray(marginal[None])
    joint = np.zeros((sizes[above], sizes[choice]))
    np.add.at(joint, (places[:, above], places[:, choice]), 1.0)
    return np.asarray((joint + PRIOR * marginal) / (joint.sum(axis=1, keepdims=True) + PRIOR))


def _parents(places: NDArray[np.intp], sizes: Sequence[int]) -> list[int]:
    """The greatest spanning tree by shared information (Prim), from choice 0; weak links are cut."""
    count = len(sizes)
    shared = np.zeros((count, count))
    for one in range(count):
        for other in range(one):
            shared[one, other] = shared[other, one] = _information(places, sizes, one, other)
    parent, joined = [-1] * count, {0} if count else set()
    while len(joined) < count:
        one, other = max(
            (
                (inside, outside)
                for inside in sorted(joined)
                for outside in range(count)
                if outside not in joined
            ),
            key=lambda link: shared[link],
        )
        parent[other] = one if shared[one, other] > 0 else -1
        joined.add(other)
    return parent


def _information(places: NDArray[np.intp], sizes: Sequence[int], one: int, other: int) -> float:
    """Information that two choices share, in nats, less what chance alone gives (Miller and Madow 1955)."""
    joint = np.zeros((sizes[one], sizes[other]))
    np.add.at(joint, (places[:, one], places[:, other]), 1.0)
    share = joint / joint.sum()
    apart = share.sum(axis=1, keepdims=True) * share.sum(axis=0, keepdims=True)
    seen = share > 0
    found = float((share[seen] * np.log(share[seen] / apart[seen])).sum())
    filled = [(np.sum(margin > 0) - 1) for margin in (share.sum(axis=1), share.sum(axis=0))]
    return found - float(np.prod(filled)) / (2 * len(places))


def _parents_first(parent: Sequence[int]) -> tuple[int, ...]:
    order: list[int] = []
    while len(order) < len(parent):
        order += [c for c in range(len(parent)) if c not in order and (parent[c] < 0 or parent[c] in order)]
    return tuple(order)
