"""What is resampled: sequences; or guides, where rows of one guide are alike and there are several guides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pajamo.data.assays.alphabet import Alphabet, Codes
from pajamo.data.assays.pairs.alphabet import PairAlphabet
from pajamo.data.assays.pairs.pairing import parts

FEWEST_GUIDES = 5
"""Of fewer guides pairs (rows) are resampled: so few guides would make no interval."""
SEQUENCES, PAIRS, GUIDES = "sequences", "pairs", "guides"
Numbers = NDArray[np.intp]


def numbered(blocks: Sequence[Codes]) -> list[Numbers]:
    """A number for each row of several tables, shape (rows,) each: equal rows have equal numbers."""
    known: dict[bytes, int] = {}
    return [
        np.array([known.setdefault(row.tobytes(), len(known)) for row in block], dtype=np.intp)
        for block in blocks
    ]


def guides_of(codes: Codes, missing: int) -> Codes:
    """The guide's base at each position of each pair, shape (pairs, length); `missing` where there is none."""
    own, _, _ = parts(np.where(codes == missing, 0, codes).astype(np.uint8))
    return np.where(codes == missing, np.uint8(missing), own).astype(np.uint8)


def resampled_units(blocks: Sequence[Codes], alphabet: Alphabet) -> tuple[str, list[Numbers]]:
    """What the rows of several experiments are resampled by, and the number of each row's unit.

    A model that is wrong about a guide is wrong about all its targets, so that pairs of one guide are no independent
    witnesses. Intervals are over guides where there are at least FEWEST_GUIDES, else over pairs.

    Parameters
    ----------
    blocks: codes of each experiment's rows, shape (rows, length) each.
    alphabet: of the codes.

    Returns
    -------
    "sequences", "pairs" or "guides", and numbers of shape (rows,) for each experiment.
    """
    if not isinstance(alphabet, PairAlphabet):
        return SEQUENCES, numbered(blocks)
    of_guides = numbered([guides_of(codes, alphabet.missing) for codes in blocks])
    different = {int(number) for block in of_guides for number in np.unique(block)}
    return (GUIDES, of_guides) if len(different) >= FEWEST_GUIDES else (PAIRS, numbered(blocks))
