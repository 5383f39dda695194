"""Neighbours of a hypothesis are hypotheses of the same space that differ in few choices."""

from __future__ import annotations

from collections import Counter

import numpy as np

from pajamo.search.cycles import cycle
from pajamo.search.neighbours import FARTHEST, neighbour
from pajamo.search.rewarding import Task
from pajamo.search.space import Candidate, Choice, Space

ONE, OTHER = "unbound->loop 0", "loop 0->ready"


def space(*choices: Choice) -> Space:
    return Space({"m": cycle(3, 23, 3)}, {"m": choices}, 23)


def test_neighbours_are_of_the_space_and_differ_in_two_choices_at_most(small: Task) -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        parent = small.space.draw(rng)
        found = neighbour(small.space, parent, rng)
        assert small.space.holds(found)
        changed = [(a, b) for a, b in zip(parent.places, found.places, strict=True) if a != b]
        if sorted(parent.places) != sorted(found.places):
            assert len(changed) <= 2
            assert all(abs(a - b) <= FARTHEST for a, b in changed)


def test_every_option_can_be_reached_from_every_other() -> None:
    few = space(Choice(ONE, "kernel", (1, 3)), Choice(ONE, "encoder", ("additive", "smooth", "pooled")))
    rng, at, seen = np.random.default_rng(1), Candidate("m", (0, 0)), Counter[Candidate]()
    for _ in range(400):
        at = neighbour(few, at, rng)
        seen[at] += 1
    assert len(seen) == 6


def test_two_rates_of_which_the_same_varies_exchange_their_windows() -> None:
    window = (("start", (3, 4, 5, 6, 7, 8, 9, 10, 11)), ("length", (4, 5, 6, 7, 8, 9, 10, 11, 12)))
    both = space(*(Choice(name, key, options) for name in (ONE, OTHER) for key, options in window))
    rng = np.random.default_rng(2)
    parent = Candidate("m", (0, 1, 8, 7))
    found = [neighbour(both, parent, rng).places for _ in range(200)]
    assert 0.1 < np.mean([places == (8, 7, 0, 1) for places in found]) < 0.4


def test_rates_that_vary_otherwise_exchange_nothing() -> None:
    apart = space(
        Choice(ONE, "start", (3, 4)), Choice(OTHER, "start", (3, 4, 5)), Choice(OTHER, "length", (4, 5))
    )
    rng = np.random.default_rng(3)
    assert all(apart.holds(neighbour(apart, Candidate("m", (0, 2, 1)), rng)) for _ in range(100))


def test_a_scheme_without_choices_is_its_own_neighbour() -> None:
    assert neighbour(space(), Candidate("m", ()), np.random.default_rng(0)) == Candidate("m", ())
