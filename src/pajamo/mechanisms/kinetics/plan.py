"""In which order the states of a scheme are eliminated, and which entries each elimination touches.

Most schemes are sparse (a cycle, a cube of bound sites), and stay so while states are eliminated if those
with the fewest neighbours go first. The order depends only on the scheme, so it is found once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pajamo.mechanisms.kinetics.scheme import Scheme

Positions = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Step:
    """The elimination of one state; rates are named by their position in the plan's table.

    Parameters
    ----------
    state: which one.
    into, before: rates by which it is entered, and the states from which.
    out, after: rates by which it is left, and the states to which.
    detour_into, detour_out: each way through the state from one other to another, as its rate in (position in
        the table) and its rate out (position in `out`).
    target: the rate of the direct way, to which the detour is added.
    """

    state: int
    into: Positions
    before: Positions
    out: Positions
    after: Positions
    detour_into: Positions
    detour_out: Positions
    target: Positions


@dataclass(frozen=True)
class Plan:
    """All eliminations in order.

    Parameters
    ----------
    transitions: those of the scheme that matter, in the order in which they fill the table.
    entries: rows of the table, the transitions first, and then the direct ways that only detours create.
    steps: one a state that is eliminated.
    kept: states that are not.
    """

    transitions: Positions
    entries: int
    steps: tuple[Step, ...]
    kept: tuple[int, ...]


@lru_cache(maxsize=256)
def plan_of(scheme: Scheme, kept: tuple[int, ...]) -> Plan:
    """Eliminate every state that is not kept, those with the fewest detours first."""
    used = [i for i, ends in enumerate(scheme.ends) if not set(ends) <= set(kept)]
    table = {scheme.ends[transition]: entry for entry, transition in enumerate(used)}
    left, steps = set(range(len(scheme.states))) - set(kept), []
    present = set(table)
    while left:
        state = min(left, key=lambda one: (_detours(present, one), one))
        steps.append(_step(table, present, state))
        left.remove(state)
        present = {ends for ends in present if state not in ends}
    return Plan(_array(used), len(table), tuple(steps), kept)


def _detours(present: set[tuple[int, int]], state: int) -> int:
    return sum(target == state for _, target in present) * sum(source == state for source, _ in present)


def _step(table: dict[tuple[int, int], int], present: set[tuple[int, int]], state: int) -> Step:
    """Enters the ways that arise into the table and among those present."""
    before = sorted(source for source, target in present if target == state)
    after = sorted(target for source, target in present if source == state)
    ways = [(source, i) for source in before for i, target in enumerate(after) if source != target]
    created = [(source, after[i]) for source, i in ways]
    for ends in created:
        table.setdefault(ends, len(table))
    present.update(created)
    return Step(
        state=state,
        into=_array([table[source, state] for source in before]),
        before=_array(before),
        out=_array([table[state, target] for target in after]),
        after=_array(after),
        detour_into=_array([table[source, state] for source, _ in ways]),
        detour_out=_array([i for _, i in ways]),
        target=_array([table[ends] for ends in created]),
    )


def _array(values: list[int]) -> Positions:
    return np.array(values, dtype=np.int64)
