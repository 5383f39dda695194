"""The independent cycles of a scheme, and the force that drives a molecule around each."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from pajamo.mechanisms.kinetics.absent import ABSENT, SMALLEST, finite
from pajamo.mechanisms.kinetics.scheme import Scheme


@lru_cache(maxsize=256)
def cycles(scheme: Scheme) -> tuple[tuple[str, ...], ...]:
    """A fundamental basis: each cycle as the states that it passes, in its direction, the first not repeated.

    A spanning tree is laid through the scheme, by reversible transitions where it can be; each pair of states
    that it does not join closes one cycle, in the direction of the transition that is listed first. A pair is
    no cycle.
    """
    path = _Forest(len(scheme.states))
    order = sorted(scheme.pairs, key=lambda pair: (pair[1] is None, pair[0]))
    closing = sorted(first for first, _ in order if not path.join(*scheme.ends[first]))
    found = [path.between(*reversed(scheme.ends[first])) for first in closing]
    return tuple(tuple(scheme.states[state] for state in (*states[-1:], *states[:-1])) for states in found)


def cycle_affinities(scheme: Scheme, log_rates: torch.Tensor) -> torch.Tensor:
    """Sum of ln k forward less sum of ln k backward around each cycle of `cycles`, in kT, shape (..., cycles).

    The free energy that a molecule dissipates in going around once (Hill 1977, Free Energy Transduction in
    Biology). All are 0 if and only if the rates are in detailed balance. Infinite where the cycle can only be
    gone around one way, nan where it cannot be gone around at all.

    Parameters
    ----------
    log_rates: shape (..., transitions); -inf where a transition is absent.
    """
    forward, backward = (torch.from_numpy(part).to(log_rates) for part in _ways(scheme))
    rates = torch.nn.functional.pad(finite(scheme, log_rates), (0, 1), value=ABSENT)
    there, back = rates @ forward.mT, rates @ backward.mT
    return torch.where(there < SMALLEST, -torch.inf, there) - torch.where(back < SMALLEST, -torch.inf, back)


@lru_cache(maxsize=256)
def _ways(scheme: Scheme) -> tuple[np.ndarray, np.ndarray]:
    """Transitions along each cycle and against it, each of shape (cycles, transitions + 1); the last: missing."""
    found = cycles(scheme)
    position = {ends: i for i, ends in enumerate(scheme.transitions)}
    ways = np.zeros((2, len(found), len(position) + 1))
    for row, states in enumerate(found):
        for source, target in zip(states, (*states[1:], states[0]), strict=True):
            ways[0, row, position.get((source, target), -1)] += 1.0
            ways[1, row, position.get((target, source), -1)] += 1.0
    return ways[0], ways[1]


class _Forest:
    """Paths between states, joined pair by pair."""

    def __init__(self, states: int) -> None:
        self.neighbours: list[list[int]] = [[] for _ in range(states)]

    def join(self, one: int, other: int) -> bool:
        """Join two states unless a path joins them already; whether it did."""
        if self.between(one, other):
            return False
        self.neighbours[one].append(other)
        self.neighbours[other].append(one)
        return True

    def between(self, start: int, end: int) -> list[int]:
        """The states on the path from one to the other, both included; empty if there is none."""
        paths, seen = [[start]], {start}
        for path in paths:
            if path[-1] == end:
                return path
            more = [state for state in self.neighbours[path[-1]] if state not in seen]
            seen.update(more)
            paths.extend([*path, state] for state in more)
        return []
