"""Pairs that come aligned, with gaps: each column is a position of the guide, or bases between two positions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pajamo.data.assays.pairs.letters import GAP
from pajamo.data.assays.pairs.pairing import ABSENT, INSERTED, LETTERS, NONE, Codes, pairing

MISSING = len(LETTERS)
"""The code of no position."""
_SEVERAL = INSERTED.index("N")


def codes_of_columns(guides: Codes, targets: Codes) -> Codes:
    """Codes of each position of guides that are aligned with their targets.

    Parameters
    ----------
    guides, targets: places of their letters and gaps, PAM first, shape (pairs, columns).

    Returns
    -------
    Codes, shape (pairs, positions of the longest guide); shorter ones end in the missing code.
    """
    based = guides != GAP
    lengths, place = based.sum(axis=1), np.cumsum(based, axis=1) - 1
    shape = (len(guides), int(lengths.max(initial=0)))
    own, met = np.zeros(shape, dtype=np.uint8), np.full(shape, ABSENT, dtype=np.uint8)
    inside = np.arange(shape[1]) < lengths[:, None]
    # Bases of a row keep their order, so that both masks list them alike.
    own[inside], met[inside] = guides[based], targets[based]
    behind = _inserted(targets, ~based & (targets != ABSENT), np.maximum(place, 0), shape)
    return np.where(inside, pairing(own, met, behind), np.uint8(MISSING))


def _inserted(
    targets: Codes, bulged: NDArray[np.bool_], place: NDArray[np.int64], shape: tuple[int, int]
) -> Codes:
    """The base behind each position, or N for several; shape (pairs, positions)."""
    behind = np.full(shape, NONE, dtype=np.uint8)
    for column in np.flatnonzero(bulged.any(axis=0)):
        rows = np.flatnonzero(bulged[:, column])
        at = place[rows, column]
        first = behind[rows, at] == NONE
        behind[rows, at] = np.where(first, np.minimum(targets[rows, column] + 1, _SEVERAL), _SEVERAL)
    return behind
