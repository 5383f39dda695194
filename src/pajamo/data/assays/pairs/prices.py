"""What differences between guide and target cost in an alignment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pajamo.data.assays.pairs.pairing import GUIDE, Codes

Costs = NDArray[np.int16]
Numbers = NDArray[np.int64]
MISMATCH, OPEN, EXTEND = 2, 5, 3
"""Costs: one bulge of one base is worth two and a half mismatches, so that equal lengths stay without gaps unless at
least six mismatches go."""
PAM_MISMATCH, PAM_GAP, FLANK = 5, 4, 1
"""Costs of another base in the PAM, of a gap inside the PAM beside what gaps cost, and of each base of the flank."""
ANY = GUIDE.index("N")


def differ(guides: Codes, targets: Codes) -> NDArray[np.bool_]:
    """Whether a target's base is not the guide's, where the guide asks for one; arrays that fit together."""
    return np.asarray((guides != targets) & (guides != ANY))


@dataclass(frozen=True)
class Prices:
    """What differences cost at each position of a guide.

    Attributes
    ----------
    mismatch: another base than the guide's, shape (guide length,).
    gap: what deleting a base costs more than elsewhere, or inserting one before it, shape (guide length + 1,).
    flank: a base of the target beyond the PAM's outer end; None where nothing is known of a PAM.
    """

    mismatch: Costs
    gap: Costs
    flank: int | None

    @classmethod
    def of(cls, length: int, pam: int) -> Prices:
        """Prices of guides of a length whose first positions are the PAM."""
        place = np.arange(length + 1)
        mismatch = np.where(place[:-1] < pam, PAM_MISMATCH, MISMATCH).astype(np.int16)
        gap = np.where(place < pam, PAM_GAP, 0).astype(np.int16)
        return cls(mismatch, gap, FLANK if pam else None)

    def without_gaps(self, guides: Codes, targets: Codes) -> Numbers:
        """Cost of pairing base after base, shape (pairs, positions of the shorter)."""
        both = min(guides.shape[1], targets.shape[1])
        price = self.mismatch[:both].astype(np.int64)
        return np.where(differ(guides[:, :both], targets[:, :both]), price, 0)
