"""The table of an alignment of many pairs at once, filled within a band about the diagonals of its two corners."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pajamo.data.assays.pairs.pairing import Codes
from pajamo.data.assays.pairs.prices import EXTEND, FLANK, OPEN, PAM_GAP, Prices, differ

Costs = NDArray[Any]
Places = NDArray[np.intp]
PAIR, DELETE, INSERT = 0, 1, 2
"""Steps: both bases, a base of the guide alone, a base of the target alone."""
KINDS = 3
_NEVER_SMALL, _NEVER = 240, 32_000
"""Costs of what cannot be, in one byte and in two; a step more still fits."""


@dataclass(frozen=True)
class Band:
    """The cheapest next step from base i of the guide and base j of the target, by the kind of the step before.

    Attributes
    ----------
    choices: shape (guide + 1, kinds of the step before, columns, pairs). A column is one j - i.
    first: j - i of the first column.
    start: cost of pairing everything from base 0 of the guide and base j of the target, shape (columns, pairs).
    flank: whether bases of the target may lie beyond the PAM.
    """

    choices: NDArray[np.uint8]
    first: int
    start: Costs
    flank: bool

    def steps(
        self, i: int, j: Places, before: NDArray[np.uint8], rows: Places | None = None
    ) -> NDArray[np.uint8]:
        """The next step of some pairs (of all), shape (pairs,)."""
        columns, pairs = self.choices.shape[2:]
        which = np.arange(pairs) if rows is None else rows
        place = (before.astype(np.intp) * columns + (j - (i + self.first))) * pairs + which
        return np.asarray(self.choices[i].reshape(-1).take(place))

    def flanks(self, longer: int) -> Places:
        """How many bases of each target, by which it is longer, lie beyond the PAM; the fewest of one cost."""
        most = max(longer, 0) if self.flank else 0
        costs = self.start[-self.first : most + 1 - self.first].astype(np.int64)
        return np.asarray((costs + FLANK * np.arange(most + 1)[:, None]).argmin(axis=0))


def filled(guides: Codes, targets: Codes, prices: Prices, reach: int) -> Band:
    """Choose the next step everywhere, from the far end to the PAM (Gotoh's recursion, whole rows at a time).

    Parameters
    ----------
    guides, targets: places of bases, shapes (pairs, guide length) and (pairs, target length), PAM first.
    prices: what differences cost.
    reach: how far an alignment may stray beyond the diagonals of the two corners.
    """
    (pairs, length), other = guides.shape, targets.shape[1]
    low, high = min(0, other - length) - reach, max(0, other - length) + reach
    choices = np.zeros((length + 1, KINDS, high - low + 1, pairs), dtype=np.uint8)
    guide, target = np.ascontiguousarray(guides.T), np.ascontiguousarray(targets.T)
    costs = _last(choices[length], other - length - low, prices)
    for i in range(length - 1, -1, -1):
        start, end = max(0, i + low), min(other, i + high)
        apart = np.zeros((end - start + 1, pairs), dtype=costs.dtype)
        paired = target[start : min(end + 1, other)]
        np.multiply(differ(guide[i], paired), apart.dtype.type(prices.mismatch[i]), out=apart[: len(paired)])
        columns = slice(start - i - low, end - i - low + 1)
        costs = _earlier(costs, apart, choices[i][:, columns], columns, int(prices.gap[i]))
    return Band(choices, low, costs[PAIR, 1:-1], prices.flank is not None)


def _last(choices: NDArray[np.uint8], end: int, prices: Prices) -> Costs:
    """Costs of what is left of targets whose guides are at an end, shape (kinds, columns + 2, pairs).

    The first and the last column lie outside of the band, as all that can never be.
    """
    columns, pairs = choices.shape[1:]
    most = int(prices.mismatch.sum()) + OPEN + columns * (EXTEND + PAM_GAP)
    dtype, never = (np.uint8, _NEVER_SMALL) if most < _NEVER_SMALL else (np.int16, _NEVER)
    costs = np.full((KINDS, columns + 2, pairs), never, dtype=dtype)
    costs[:, end + 1] = 0
    for column in range(end - 1, -1, -1):
        bases, gap = end - column, int(prices.gap[-1])
        costs[:, column + 1] = OPEN + (bases - 1) * EXTEND + bases * gap
        costs[INSERT, column + 1] -= OPEN - EXTEND
        choices[:, column] = INSERT
    return costs


def _earlier(after: Costs, apart: Costs, choices: NDArray[np.uint8], columns: slice, gap: int) -> Costs:
    """Costs from one base of the guide earlier; the choices that they stand for are written down.

    Parameters
    ----------
    after: costs from the base behind, as of `_last`.
    apart: what pairing costs in each column that can be, shape (columns that can be, pairs).
    choices: to be written, shape (kinds, columns that can be, pairs).
    columns: those that can be.
    gap: what a gap costs here more than elsewhere.
    """
    costs = np.full_like(after, _NEVER_SMALL if after.dtype == np.uint8 else _NEVER)
    start, end = columns.start + 1, columns.stop + 1
    pair = after[PAIR, start:end] + apart
    deleted = after[DELETE, start - 1 : end - 1] + after.dtype.type(gap + EXTEND)
    opened = deleted + after.dtype.type(OPEN - EXTEND)
    best, own = np.minimum(pair, opened), costs[INSERT]
    for column in range(end - 1, start - 1, -1):
        np.minimum(best[column - start], own[column + 1] + after.dtype.type(gap + EXTEND), out=own[column])
    inserted = own[start + 1 : end + 1] + after.dtype.type(gap + OPEN)
    np.minimum(best, inserted, out=costs[PAIR, start:end])
    np.minimum(np.minimum(pair, deleted), inserted, out=costs[DELETE, start:end])
    for kind, other in ((PAIR, opened), (DELETE, deleted), (INSERT, opened)):
        total = costs[kind, start:end]
        # Of one cost, pairing goes before a deletion and this before an insertion.
        unpaired = np.not_equal(total, pair, out=choices[kind], casting="unsafe")
        unpaired += unpaired & (total != other)
    return costs
