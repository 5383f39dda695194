"""Hypotheses that differ little from a good one: a window moved or resized, or two rates that exchange theirs."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from pajamo.search.space import Candidate, Space

FARTHEST = 3
"""Options by which an ordered choice (a start, a length, a kernel) moves at most."""
EXCHANGED = 0.25
"""Share of neighbours in which two rates exchange what they read: steps in a row explain much of each other's effect,
and no small move leads from one order to the other."""
ORDERED = ("start", "length", "kernel")


def neighbour(space: Space, candidate: Candidate, rng: np.random.Generator) -> Candidate:
    """A hypothesis of the same scheme that differs in one or two choices, or in which two rates are exchanged."""
    exchanges = _exchanges(space, candidate.mechanism)
    if exchanges and rng.random() < EXCHANGED:
        return _exchanged(candidate, exchanges[int(rng.integers(len(exchanges)))])
    choices, places = space.choices[candidate.mechanism], list(candidate.places)
    if not choices:
        return candidate
    for number in rng.choice(len(choices), size=min(len(choices), int(rng.integers(1, 3))), replace=False):
        size = len(choices[number].options)
        if choices[number].key in ORDERED:
            moved = places[number] + int(rng.choice([-1, 1])) * int(rng.integers(1, FARTHEST + 1))
            places[number] = min(max(moved, 0), size - 1)
        else:
            places[number] = int(rng.integers(size))
    return Candidate(candidate.mechanism, tuple(places))


def _exchanges(space: Space, mechanism: str) -> list[list[tuple[int, int]]]:
    """For every two transitions of which the same varies, the choices that take each other's place."""
    own: dict[str, dict[str, int]] = {}
    for number, choice in enumerate(space.choices[mechanism]):
        own.setdefault(choice.transition, {})[choice.key] = number
    choices = space.choices[mechanism]
    return [
        [(one[key], other[key]) for key in one]
        for one, other in combinations(own.values(), 2)
        if {key: len(choices[n].options) for key, n in one.items()}
        == {key: len(choices[n].options) for key, n in other.items()}
    ]


def _exchanged(candidate: Candidate, pairs: list[tuple[int, int]]) -> Candidate:
    places = list(candidate.places)
    for one, other in pairs:
        places[one], places[other] = places[other], places[one]
    return Candidate(candidate.mechanism, tuple(places))
