"""Filling packs of a fixed size with sequences that must stay whole."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray


def best_fit(lengths: NDArray[np.int64], capacity: int, first: int = 0) -> list[list[int]]:
    """Put things into as few packs as can be found quickly: longest first, each where least room is left over.

    Best fit decreasing: at most 11/9 of the fewest packs, plus four (Johnson 1973, thesis, MIT).

    Parameters
    ----------
    lengths: of the things, none above `capacity`.
    capacity: of a pack.
    first: so many things at the beginning are put in before all others, that they wait no longer.

    Returns
    -------
    The things of each pack, by their places in `lengths`.
    """
    order = np.argsort(-lengths, kind="stable")
    order = np.concatenate((order[order < first], order[order >= first]))
    packs: list[list[int]] = []
    rooms: list[int] = []  # room that is left, ascending ...
    owners: list[int] = []  # ... and in which pack
    for thing, length in zip(order.tolist(), lengths[order].tolist(), strict=True):
        place = bisect_left(rooms, length)
        if place == len(rooms):
            pack, room = len(packs), capacity - length
            packs.append([thing])
        else:
            pack, room = owners.pop(place), rooms.pop(place) - length
            packs[pack].append(thing)
        if room:
            place = bisect_left(rooms, room)
            rooms.insert(place, room)
            owners.insert(place, pack)
    return packs
