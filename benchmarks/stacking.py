"""How stable the R-loop of a guide is, by nearest neighbours: known of nucleic acids, not of any nuclease."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pajamo.data.assays.pairs.pairing import BASES, Codes, parts

HYBRID = {
    "AA": -1.0, "AC": -2.1, "AG": -1.8, "AT": -0.9,
    "CA": -0.9, "CC": -2.1, "CG": -1.7, "CT": -0.9,
    "GA": -1.3, "GC": -2.7, "GG": -2.9, "GT": -1.1,
    "TA": -0.6, "TC": -1.5, "TG": -1.6, "TT": -0.2,
}  # fmt: skip
"""kcal/mol at 37 degrees C of two neighbouring pairs of RNA with DNA, by the RNA's bases 5' to 3' with T for U:
Sugimoto et al. 1995, Biochemistry 34, 11211, table 3."""
DUPLEX = {
    "AA": -1.00, "AT": -0.88, "TA": -0.58, "CA": -1.45, "GT": -1.44,
    "CT": -1.28, "GA": -1.30, "CG": -2.17, "GC": -2.24, "GG": -1.84,
}  # fmt: skip
"""The same of DNA with DNA, one of each two that are the same duplex: SantaLucia 1998, PNAS 95, 1460, table 2."""
_OPPOSITE = dict(zip(BASES, reversed(BASES), strict=True))


def loop_energy(codes: Codes, pam: int) -> NDArray[np.float64]:
    """Energy of RNA with DNA less that of DNA with DNA over the whole protospacer, in kcal/mol; shape (pairs,).

    Of the matched target, whatever the target is; the lower, the more a guide's R-loop stays open.
    """
    table = np.zeros((len(BASES) + 1, len(BASES) + 1))
    for place, first in enumerate(BASES):
        for other, second in enumerate(BASES):
            table[place, other] = HYBRID[first + second] - _duplex(first + second)
    # Positions run from the PAM, which is the guide's 3' end.
    guide = parts(codes[:, pam:])[0]
    return np.asarray(table[guide[:, 1:], guide[:, :-1]].sum(axis=1))


def _duplex(bases: str) -> float:
    return DUPLEX[bases] if bases in DUPLEX else DUPLEX["".join(_OPPOSITE[base] for base in reversed(bases))]
