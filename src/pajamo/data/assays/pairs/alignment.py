"""Which base of a target stands opposite of which base of a guide, where lengths differ or a bulge explains more.

Global alignment with affine gaps (Gotoh 1982, J Mol Biol 162, 705) of many pairs at once. Sequences are read from the
PAM outwards; among alignments of one cost the one is taken whose bulges lie farthest from the PAM, as the R-loop zips
up from there for as long as bases pair.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pajamo.data.assays.pairs.pairing import ABSENT, GUIDE, INSERTED, Codes, pairing

Costs = NDArray[np.int16]
MISMATCH, OPEN, EXTEND = 2, 5, 3
"""Costs: one bulge of one base is worth two and a half mismatches, so that equal lengths stay without gaps unless at
least six mismatches go."""
_NEVER = 10_000
_BOTH, _DELETED, _INSERTED = 0, 1, 2
ANY = GUIDE.index("N")


def aligned_codes(guides: Codes, targets: Codes) -> Codes:
    """Codes of each position of each guide, shape (pairs, guide length).

    Parameters
    ----------
    guides: places in GUIDE, shape (pairs, guide length), PAM first.
    targets: places in TARGET, shape (pairs, target length), PAM first.
    """
    length, other = guides.shape[1], targets.shape[1]
    if length == other:
        found = pairing(guides, targets, np.zeros_like(guides))
        hard = np.flatnonzero(_differ(guides, targets).sum(axis=1) * MISMATCH > 2 * OPEN)
        if len(hard):
            found[hard] = _by_table(guides[hard], targets[hard])
        return found
    return _by_table(guides, targets)


def _differ(guides: Codes, targets: Codes) -> NDArray[np.bool_]:
    return np.asarray((guides != targets) & (guides != ANY))


def _by_table(guides: Codes, targets: Codes) -> Codes:
    """Fill the table of best costs from the far end, then walk from the PAM along the cheapest way."""
    steps = _costs(guides, targets)
    return _walk(guides, targets, steps)


def _costs(guides: Codes, targets: Codes) -> NDArray[np.int16]:
    """Cost of pairing the rest, by the kind of the step before; shape (3, guide + 1, target + 1, pairs)."""
    pairs, length = guides.shape
    other = targets.shape[1]
    table = np.full((3, length + 1, other + 1, pairs), _NEVER, dtype=np.int16)
    table[:, length, other] = 0
    for i in range(length, -1, -1):
        for j in range(other, -1, -1):
            if i == length and j == other:
                continue
            ways = _ways(table, guides, targets, i, j)
            for before in (_BOTH, _DELETED, _INSERTED):
                table[before, i, j] = np.min(_with_gap(ways, before), axis=0)
    return table


def _ways(table: Costs, guides: Codes, targets: Codes, i: int, j: int) -> list[Costs]:
    """Cost of each next step and all after it, gaps without their first cost; (3, pairs)."""
    never = np.full(len(guides), _NEVER, dtype=np.int16)
    inner, deep = i < guides.shape[1], j < targets.shape[1]
    both = never
    if inner and deep:
        both = table[_BOTH, i + 1, j + 1] + MISMATCH * _differ(guides[:, i], targets[:, j]).astype(np.int16)
    return [
        both,
        table[_DELETED, i + 1, j] if inner else never,
        table[_INSERTED, i, j + 1] if deep else never,
    ]


def _with_gap(ways: list[Costs], before: int) -> list[Costs]:
    """The steps with the cost of a gap: less where one is only made longer."""
    return [
        ways[_BOTH],
        *(ways[gap] + (EXTEND if before == gap else OPEN) for gap in (_DELETED, _INSERTED)),
    ]


def _walk(guides: Codes, targets: Codes, table: Costs) -> Codes:
    """Follow the cheapest way of each pair; a pairing is preferred to a gap of one cost."""
    pairs, length = guides.shape
    met = np.full((pairs, length), ABSENT, dtype=np.uint8)
    inserted = np.zeros((pairs, length), dtype=np.uint8)
    rows = np.arange(pairs)
    i, j, before = np.zeros(pairs, np.intp), np.zeros(pairs, np.intp), np.zeros(pairs, np.intp)
    guide, target = np.pad(guides, ((0, 0), (0, 1))), np.pad(targets, ((0, 0), (0, 1)))
    for _ in range(length + targets.shape[1]):
        inner, deep = i < length, j < targets.shape[1]
        after, along = np.minimum(i + 1, length), np.minimum(j + 1, targets.shape[1])
        differ = _differ(guide[rows, i], target[rows, j]).astype(np.int16)
        ways = [
            np.where(inner & deep, table[_BOTH, after, along, rows] + MISMATCH * differ, _NEVER),
            np.where(
                inner, table[_DELETED, after, j, rows] + np.where(before == _DELETED, EXTEND, OPEN), _NEVER
            ),
            np.where(
                deep, table[_INSERTED, i, along, rows] + np.where(before == _INSERTED, EXTEND, OPEN), _NEVER
            ),
        ]
        step = np.argmin(ways, axis=0)
        going = inner | deep
        pair, bulge = going & (step == _BOTH), going & (step == _INSERTED)
        met[rows[pair], i[pair]] = target[rows[pair], j[pair]]
        _insert(inserted, rows[bulge], np.maximum(i[bulge] - 1, 0), target[rows[bulge], j[bulge]])
        i += going & (step != _INSERTED)
        j += going & (step != _DELETED)
        before = step
    return pairing(guides, met, inserted)


def _insert(inserted: Codes, rows: NDArray[np.intp], places: NDArray[np.intp], bases: Codes) -> None:
    """Note bases behind a position: the base itself if it is the only one, else N."""
    several = INSERTED.index("N")
    first = inserted[rows, places] == 0
    inserted[rows, places] = np.where(first, np.minimum(bases + 1, several), several)
