"""Which states of a scheme can be reached from which."""

from __future__ import annotations

from collections.abc import Iterable


def closed_classes(count: int, ends: Iterable[tuple[int, int]]) -> list[tuple[int, ...]]:
    """The sets of states that reach one another and nothing else, each in ascending order.

    A scheme has one steady state if and only if there is one such set.

    Parameters
    ----------
    count: number of states.
    ends: (source, target) of each transition, as positions.
    """
    reached = reachable(count, ends)
    found = {members for one, members in enumerate(reached) if _closed(one, reached)}
    return [_positions(members, count) for members in sorted(found, key=lambda members: members & -members)]


def reachable(count: int, ends: Iterable[tuple[int, int]]) -> list[int]:
    """For each state the states it can come to, itself among them; bit i of the number stands for state i."""
    reached = [1 << one for one in range(count)]
    for source, target in ends:
        reached[source] |= 1 << target
    for middle in range(count):
        for one in range(count):
            if reached[one] >> middle & 1:
                reached[one] |= reached[middle]
    return reached


def _closed(one: int, reached: list[int]) -> bool:
    return all(reached[other] == reached[one] for other in _positions(reached[one], len(reached)))


def _positions(members: int, count: int) -> tuple[int, ...]:
    return tuple(i for i in range(count) if members >> i & 1)
