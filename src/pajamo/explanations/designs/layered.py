"""Branch and bound over positions: all sequences that keep to the rules and may still be among the best.

Sequences are written letter by letter. After each letter those are dropped that break a rule, that can no longer
beat what is known, or that differ from another in nothing that matters for the rest (dynamic programming). If no
more than `width` live at any time, the best sequences are found for certain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pajamo.data.assays.alphabet import Codes
from pajamo.explanations.designs.constraints import Rules

Values = NDArray[np.float64]
Bound = Callable[[Values, Values], Values]
DIGITS = 9
"""Decimal places to which two energies are the same."""


@dataclass(frozen=True)
class Found:
    """Where a search ended: sequences that keep to the rules, (sequences, length), and whether none was lost."""

    codes: Codes
    complete: bool


@dataclass(frozen=True)
class _Live:
    """Sequences so far as they are written: letters, energies, edits, and how many are G or C."""

    codes: Codes
    energies: Values
    edits: NDArray[np.int64]
    gc: NDArray[np.int64]

    def take(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> _Live:
        return _Live(self.codes[which], self.energies[which], self.edits[which], self.gc[which])


class Rest:
    """What the positions from each one on can still add, by the number of edits that are left."""

    def __init__(self, rules: Rules, table: Values) -> None:
        length = len(rules.start)
        own = table[:, np.arange(length), rules.start]
        change = np.where(rules.free[None, :, None], table - own[:, :, None], 0.0)
        self._base = np.concatenate([own[:, ::-1].cumsum(axis=1)[:, ::-1], np.zeros((len(table), 1))], axis=1)
        self._down = [_largest_sums(change[:, place:].min(axis=2), 1) for place in range(length + 1)]
        self._up = [_largest_sums(change[:, place:].max(axis=2), -1) for place in range(length + 1)]
        counted = rules.counted[rules.start]
        self._gc = np.append(counted[::-1].cumsum()[::-1], 0)
        self._may_gain = np.append((rules.free & ~counted)[::-1].cumsum()[::-1], 0)
        self._may_lose = np.append((rules.free & counted)[::-1].cumsum()[::-1], 0)

    def limits(self, place: int, left: NDArray[np.int64]) -> tuple[Values, Values]:
        """Least and most that the rest adds to each energy, each (sequences, energies)."""
        most = self._down[place].shape[1] - 1
        edits = np.minimum(left, most)
        return (
            (self._base[:, place, None] + self._down[place][:, edits]).T,
            (self._base[:, place, None] + self._up[place][:, edits]).T,
        )

    def gc(self, place: int, left: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Fewest and most G and C among the rest, each (sequences,)."""
        own = self._gc[place]
        return own - np.minimum(left, self._may_lose[place]), own + np.minimum(left, self._may_gain[place])


def _largest_sums(change: Values, sign: int) -> Values:
    """Sums of the k largest changes down (sign 1) or up (-1), shape (energies, positions + 1)."""
    ordered = sign * np.sort(sign * change, axis=1)
    return np.concatenate([np.zeros((len(change), 1)), ordered.cumsum(axis=1)], axis=1)


def layered(
    rules: Rules, table: Values, base: Values, bound: Bound, *, floor: float, alike: int, width: int
) -> Found:
    """Search position by position.

    Parameters
    ----------
    rules: that every sequence keeps to.
    table, base: what letters add to each energy, (energies, length, letters), and what there is before, (energies,).
    bound: the best score of energies between two limits.
    floor: sequences that cannot score more are dropped.
    alike: how many are kept of those that differ in nothing that matters for the rest.
    width: most that live at once; the best by their bound are kept.
    """
    rest, complete = Rest(rules, table), True
    live = _Live(np.zeros((1, 0), np.uint8), base[None].copy(), np.zeros(1, np.int64), np.zeros(1, np.int64))
    for place in range(len(rules.start)):
        live = _possible(_longer(live, rules, table, place), rules, rest, place + 1)
        live = _one_of_each(live, rules, alike)
        low, high = rest.limits(place + 1, rules.most_edits - live.edits)
        best = bound(live.energies + low, live.energies + high)
        kept = np.flatnonzero(best > floor)
        if len(kept) > width:
            kept, complete = kept[np.argsort(-best[kept], kind="stable")[:width]], False
        live = live.take(kept)
        if not len(kept):
            return Found(np.zeros((0, len(rules.start)), np.uint8), complete)
    return Found(live.codes, complete)


def _longer(live: _Live, rules: Rules, table: Values, place: int) -> _Live:
    """Every sequence with every letter that it may have next."""
    own = rules.start[place]
    letters = (
        np.arange(rules.letters, dtype=np.uint8) if rules.free[place] else np.array([own], dtype=np.uint8)
    )
    row = np.repeat(np.arange(len(live.codes)), len(letters))
    letter = np.tile(letters, len(live.codes))
    return _Live(
        np.concatenate([live.codes[row], letter[:, None]], axis=1),
        live.energies[row] + table[:, place, letter].T,
        live.edits[row] + (letter != own),
        live.gc[row] + rules.counted[letter],
    )


def _possible(live: _Live, rules: Rules, rest: Rest, place: int) -> _Live:
    left = rules.most_edits - live.edits
    fewest, most = rest.gc(place, np.maximum(left, 0))
    within = (live.gc + most >= rules.gc[0]) & (live.gc + fewest <= rules.gc[1])
    return live.take((left >= 0) & within & ~rules.ends_badly(live.codes))


def _one_of_each(live: _Live, rules: Rules, alike: int) -> _Live:
    """Drop what differs from others in nothing that matters for the rest."""
    length = len(rules.start)
    tail = live.codes[:, max(0, live.codes.shape[1] - rules.memory) :] if rules.memory else live.codes[:, :0]
    edits = live.edits if rules.most_edits < length else np.zeros_like(live.edits)
    gc = live.gc if rules.gc != (0, length) else np.zeros_like(live.gc)
    key = np.concatenate([tail, edits[:, None], gc[:, None], np.round(live.energies, DIGITS)], axis=1)
    # Those with the fewest edits come first, and are the ones that stay.
    order = np.lexsort([live.edits, *key.T])
    same = np.append(False, (key[order][1:] == key[order][:-1]).all(axis=1))
    number = np.arange(len(order))
    first = np.maximum.accumulate(np.where(same, 0, number))
    return live.take(np.sort(order[number - first < alike]))
