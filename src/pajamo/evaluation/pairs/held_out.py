"""What is left out of a fit to see how far it carries to guides that it never saw: whole guides, or places of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pajamo.data.assays.pairs.distinct import distinct
from pajamo.data.assays.pairs.pairing import Codes, perfect
from pajamo.evaluation.assays.units import guides_of

MOST_FOLDS = 5
"""Each is a fit."""
GUIDES, PLACES = "guides", "places"
Rows = NDArray[np.bool_]


@dataclass(frozen=True)
class Folds:
    """Which rows of several experiments are left out together.

    Attributes
    ----------
    by: "guides", or "places" where there is one guide only.
    held: of each fold and experiment, whether each row is left out, shape (rows,).
    """

    by: str
    held: tuple[tuple[Rows, ...], ...]


def guide_keys(codes: Codes, missing: int) -> list[bytes]:
    """The guide of each pair: the same bytes for the same guide, whatever the target and the longest guide are."""
    different, place = distinct(guides_of(codes, missing))
    keys = [row[row != missing].tobytes() for row in different]
    return [keys[number] for number in place]


def folds(blocks: Sequence[Codes], missing: int, pam: int) -> Folds:
    """Leave out guides, a share of them at a time; of one guide the pairs that differ somewhere along a stretch.

    A fit to one guide never shows how guides differ. What it can show is how far it misses where it has to guess: at
    places of the protospacer that it has not seen changed, every pair with a difference there being left out.

    Parameters
    ----------
    blocks: codes of the pairs of each experiment, shape (pairs, length) each.
    missing: the code of no position.
    pam: positions of the PAM, at the start of each guide; what is learned of it holds for every guide.
    """
    keys = [guide_keys(codes, missing) for codes in blocks]
    number = {key: place for place, key in enumerate(dict.fromkeys(key for own in keys for key in own))}
    if len(number) > 1:
        count = min(len(number), MOST_FOLDS)
        of = [np.array([number[key] for key in own], dtype=np.int64) % count for own in keys]
        return Folds(GUIDES, tuple(tuple(own == fold for own in of) for fold in range(count)))
    differ = [~perfect()[codes] for codes in blocks]
    length = max((int(own.shape[1]) for own in differ), default=pam)
    ends = np.linspace(pam, length, min(MOST_FOLDS, max(length - pam, 1)) + 1).round().astype(int)
    stretches = list(pairwise(ends))
    return Folds(
        PLACES, tuple(tuple(_anywhere(own, start, end) for own in differ) for start, end in stretches)
    )


def _anywhere(differ: Rows, start: int, end: int) -> Rows:
    return np.asarray(differ[:, start:end].any(axis=1))
