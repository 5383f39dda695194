"""Whether neighbouring points of a profile lie on one curve, or on two branches of solutions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Protocol

ROUGH = 0.3
"""Nats by which a difference may miss what the slopes promise."""
SHARE = 0.5
"""Share of the promise by which it may miss it: slopes between two points need not lie between theirs."""


class Sloped(Protocol):
    """A point of a curve with its slope."""

    @property
    def value(self) -> float:
        """Where it is."""

    @property
    def objective(self) -> float:
        """How high it is, in nats."""

    @property
    def slope(self) -> float:
        """By how much the curve rises there per unit of the value."""


def jumps(points: Sequence[Sloped]) -> Iterator[tuple[float, float]]:
    """Places of neighbours whose heights differ by more than their slopes allow, the lower one first.

    Between the optima at two values of a held parameter the objective rises by the integral of its slope along
    that parameter alone (the envelope theorem), which the trapezoid rule gives to third order. A point that is
    much higher than this promises is the optimum of another branch, or none.
    """
    for one, other in pairwise(sorted(points, key=lambda point: point.value)):
        promised = (one.slope + other.slope) / 2 * (other.value - one.value)
        rise = other.objective - one.objective
        low, high = (one, other) if rise > 0 else (other, one)
        if abs(rise) - max(promised if rise > 0 else -promised, 0.0) > ROUGH + SHARE * abs(promised):
            yield low.value, high.value
