"""Molecules that hop from state to state: exact stochastic trajectories of a kinetic scheme.

Waiting times are exponential and the next transition is drawn by its rate (the direct method of Gillespie 1977, J
Phys Chem 81, 2340). All molecules take their next step at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pajamo.errors import ModelError
from pajamo.mechanisms.kinetics.connectivity import reachable
from pajamo.mechanisms.kinetics.scheme import Scheme

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Trajectories:
    """What became of the molecules.

    Attributes
    ----------
    arrival: time at which each first came to a target, inf where it had not by the end, shape (molecules,).
    dwell: time that all of them spent in each state, shape (states,).
    passages: how often each transition happened, shape (transitions,).
    states: position of the state of each molecule at each of the times asked for, shape (times, molecules).
    """

    arrival: Array
    dwell: Array
    passages: NDArray[np.intp]
    states: NDArray[np.intp]

    @property
    def occupancy(self) -> Array:
        """Share of the time that was spent in each state, shape (states,)."""
        return np.asarray(self.dwell / self.dwell.sum())


def gillespie(
    scheme: Scheme,
    rates: Array,
    start: str,
    *,
    molecules: int,
    rng: np.random.Generator,
    until: float = math.inf,
    targets: Sequence[str] = (),
    times: Sequence[float] = (),
) -> Trajectories:
    """Follow molecules from one state until they arrive or the time is over.

    Parameters
    ----------
    scheme: states and transitions.
    rates: of each transition, per unit of time, shape (transitions,); 0 where it does not happen.
    start: state in which all set out at time 0.
    molecules: how many; they do not see one another.
    rng: of waiting times and choices.
    until: time at which they are stopped, in the inverse unit of the rates.
    targets: states of which the first that a molecule comes to ends its trajectory, where it then stays.
    times: at which states are noted, none after the end.

    Raises
    ------
    StudyError: the scheme has no such state.
    ModelError: rates are not one for each transition, negative or infinite; molecules would never stop; or a time
        lies after the end.
    """
    ends = [scheme.state(name) for name in targets]
    _check(scheme, rates, scheme.state(start), ends, until)
    _check_times(times, until)
    walk = _Walk(scheme, rates, ends)
    state = np.full(molecules, scheme.state(start))
    now, arrival = np.zeros(molecules), np.full(molecules, np.inf)
    arrival[np.isin(state, ends)] = 0.0
    noted = np.empty((len(times), molecules), dtype=np.intp)
    dwell, passages = np.zeros(len(scheme.states)), np.zeros(len(scheme.transitions), dtype=np.intp)
    going = np.arange(molecules)
    while len(going):
        old, began = state[going], now[going]
        wait, transition = walk.next(old, rng)
        then = began + wait
        for row, time in enumerate(times):
            stays = (began <= time) & (time < then)
            noted[row, going[stays]] = old[stays]
        moving = ~walk.stopped[old]
        dwell += np.bincount(old[moving], np.minimum(then, until)[moving] - began[moving], len(dwell))
        goes = then < until
        going, then, transition = going[goes], then[goes], transition[goes]
        passages += np.bincount(transition, minlength=len(passages))
        state[going], now[going] = walk.target[transition], then
        first = np.isin(state[going], ends)
        arrival[going[first]] = then[first]
    return Trajectories(arrival, dwell, passages, noted)


class _Walk:
    """Rates as tables from which waits and transitions are drawn.

    Attributes
    ----------
    target: state to which each transition leads, shape (transitions,).
    stopped: states that are not left, shape (states,).
    """

    def __init__(self, scheme: Scheme, rates: Array, ends: Sequence[int]) -> None:
        table = np.zeros((len(scheme.states), len(scheme.transitions)))
        table[list(scheme.sources), np.arange(len(scheme.transitions))] = rates
        table[list(ends)] = 0.0
        self.cumulative = np.cumsum(table, axis=1)
        self.total = table.sum(axis=1)
        self.target = np.array([target for _, target in scheme.ends], dtype=np.intp)
        self.stopped = self.total == 0
        # Rounding must not choose what comes after the last transition that can happen.
        self.last = np.array([row.nonzero()[0].max(initial=0) for row in table])

    def next(self, state: NDArray[np.intp], rng: np.random.Generator) -> tuple[Array, NDArray[np.intp]]:
        """Time until the next transition of each molecule, inf where there is none, and which it is."""
        total = self.total[state]
        wait = np.divide(
            rng.exponential(size=len(state)), total, out=np.full(len(state), np.inf), where=total > 0
        )
        drawn = rng.random(len(state)) * total
        chosen = (drawn[:, None] >= self.cumulative[state]).sum(axis=1)
        return wait, np.minimum(chosen, self.last[state])


def _check(scheme: Scheme, rates: Array, start: int, ends: Sequence[int], until: float) -> None:
    if rates.shape != (len(scheme.transitions),) or not (np.isfinite(rates) & (rates >= 0)).all():
        raise ModelError(
            "a trajectory needs one rate for each transition, zero or above",
            where=f"rates of shape {rates.shape}, transitions: {len(scheme.transitions)}",
            fix="give rates in the order of scheme.transitions, on the linear scale",
        )
    if math.isfinite(until):
        return
    happening = [
        pair for pair, rate in zip(scheme.ends, rates, strict=True) if rate > 0 and pair[0] not in ends
    ]
    reached = reachable(len(scheme.states), happening)
    leaving = {source for source, _ in happening}
    halting = sum(1 << state for state in range(len(scheme.states)) if state not in leaving)
    forever = [s for s in range(len(scheme.states)) if reached[start] >> s & 1 and not reached[s] & halting]
    if forever:
        raise ModelError(
            "molecules would never stop",
            why=f"from {scheme.states[forever[0]]!r} they come neither to a target nor to a state that is not left",
            fix="give `until`, or `targets` that can be reached",
        )


def _check_times(times: Sequence[float], until: float) -> None:
    if any(not 0 <= time <= until for time in times):
        raise ModelError(
            "states are to be noted at a time that no molecule is followed to",
            where=f"times {list(times)}, until {until:g}",
            fix="give times from 0 to `until`",
        )
