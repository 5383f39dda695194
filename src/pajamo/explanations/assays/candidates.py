"""Permutations of states that could belong to a symmetry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import permutations, product

import numpy as np

from pajamo.config.assays import KineticSettings
from pajamo.explanations.assays.allowed import Group, exchangeable
from pajamo.explanations.assays.gauges import Array
from pajamo.models.assays.blueprint import Blueprint

Permutation = tuple[int, ...]


def state_permutations(blueprint: Blueprint, groups: Sequence[Group]) -> Iterator[Permutation]:
    """Permutations of states that are worth a closer look, the one that changes nothing left out."""
    if isinstance(blueprint.settings, KineticSettings):
        found = _automorphisms(blueprint)
    else:
        found = _by_binding(blueprint, [group for group in groups if group.reader is not None])
    same = tuple(range(len(blueprint.states)))
    return (states for states in found if states != same)


def row_permutation(blueprint: Blueprint, states: Permutation) -> Permutation | None:
    """What a permutation of states does to the rows of the incidence; None if a transition is missing."""
    if not blueprint.transitions:
        return states
    names = {name: place for place, name in enumerate(blueprint.states)}
    rows = {pair: row for row, pair in enumerate(blueprint.transitions)}
    moved = [
        rows.get((blueprint.states[states[names[a]]], blueprint.states[states[names[b]]]))
        for a, b in blueprint.transitions
    ]
    return None if None in moved else tuple(row for row in moved if row is not None)


def _by_binding(blueprint: Blueprint, readers: list[Group]) -> Iterator[Permutation]:
    """Energies of letters can only change sign as a whole, which exchanges "bound" and "not bound" of a site.

    So for every choice of signs (and of readers of the same window that exchange their names) a state's place is
    taken by the one with that arrangement of sites.
    """
    places = [place for reader in readers for place in reader.terms]
    arrangement = blueprint.incidence[:, places]
    holders: dict[tuple[float, ...], list[int]] = defaultdict(list)
    for state, row in enumerate(arrangement):
        holders[tuple(row)].append(state)
    for names in _renamings(blueprint, readers):
        for signs in product((1.0, -1.0), repeat=len(readers)):
            wanted = _arrangements(blueprint.incidence, readers, names, signs)
            yield from _matched(holders, wanted)


def _renamings(blueprint: Blueprint, readers: list[Group]) -> Iterator[tuple[int, ...]]:
    numbers = range(len(readers))
    allowed = [[b for b in numbers if exchangeable(blueprint, readers[a], readers[b])] for a in numbers]
    return (chosen for chosen in product(*allowed) if len(set(chosen)) == len(readers))


def _arrangements(
    incidence: Array, readers: list[Group], names: tuple[int, ...], signs: tuple[float, ...]
) -> Array:
    blocks = []
    for own, name, sign in zip(readers, names, signs, strict=True):
        taken = incidence[:, list(readers[name].terms)]
        most = incidence[:, list(own.terms)].max(axis=0, initial=0.0)
        # A black box cannot change its sign.
        blocks.append(taken if sign > 0 or not own.free else most - taken)
    return np.concatenate(blocks, axis=1) if blocks else np.zeros((len(incidence), 0))


def _matched(holders: dict[tuple[float, ...], list[int]], wanted: Array) -> Iterator[Permutation]:
    """Every permutation that puts each state in the place of one with the arrangement that is wanted."""
    takers: dict[tuple[float, ...], list[int]] = defaultdict(list)
    for state, row in enumerate(wanted):
        takers[tuple(row)].append(state)
    if any(len(takers[key]) != len(states) for key, states in holders.items()):
        return
    choices = [[(takers[key], order) for order in permutations(states)] for key, states in holders.items()]
    for chosen in product(*choices):
        moved = [0] * len(wanted)
        for states, order in chosen:
            for state, taken in zip(states, order, strict=True):
                moved[state] = taken
        yield tuple(moved)


def _automorphisms(blueprint: Blueprint, begun: Permutation = ()) -> Iterator[Permutation]:
    """Permutations of a scheme's states that lead every transition into one, by trying one state after another."""
    size = len(blueprint.states)
    if len(begun) == size:
        yield begun
        return
    names = blueprint.states
    joined = set(blueprint.transitions)
    new = len(begun)
    for state in set(range(size)) - set(begun):
        fits = all(
            ((names[new], names[old]) in joined) == ((names[state], names[taken]) in joined)
            and ((names[old], names[new]) in joined) == ((names[taken], names[state]) in joined)
            for old, taken in enumerate(begun)
        )
        if fits:
            yield from _automorphisms(blueprint, (*begun, state))
