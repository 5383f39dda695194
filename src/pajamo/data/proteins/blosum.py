"""BLOSUM62: how much likelier two residues face each other in related proteins than by chance, in half bits.

Source: Henikoff & Henikoff 1992, PNAS 89, 10915, figure 2.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from pajamo.data.proteins.alphabet import RESIDUE_TOKENS, TOKENS

UNKNOWN_SCORE: Final = -1
"""Of a letter that is none of the twenty amino acids, against anything."""

_LOWER = """
4
0 9
-2 -3 6
-1 -4 2 5
-2 -2 -3 -3 6
0 -3 -1 -2 -3 6
-2 -3 -1 0 -1 -2 8
-1 -1 -3 -3 0 -4 -3 4
-1 -3 -1 1 -3 -2 -1 -3 5
-1 -1 -4 -3 0 -4 -3 2 -2 4
-1 -1 -3 -2 0 -3 -2 1 -1 2 5
-2 -3 1 0 -3 0 1 -3 0 -3 -2 6
-1 -3 -1 -1 -4 -2 -2 -3 -1 -3 -2 -2 7
-1 -3 0 2 -3 -2 0 -3 1 -2 0 0 -1 5
-1 -3 -2 0 -3 -2 0 -3 2 -2 -1 0 -2 1 5
1 -1 0 0 -2 0 -1 -2 0 -2 -1 1 -1 0 -1 4
0 -1 -1 -1 -2 -2 -2 -1 -1 -1 -1 0 -1 -1 -1 1 5
0 -1 -3 -2 -1 -3 -3 3 -2 1 1 -3 -2 -2 -3 -2 0 4
-3 -2 -4 -3 1 -2 -2 -3 -3 -2 -1 -4 -4 -2 -3 -3 -2 -3 11
-2 -2 -3 -2 3 -3 2 -1 -2 -1 -1 -2 -3 -1 -2 -2 -2 -1 2 7
"""


def blosum62() -> np.ndarray:
    """Scores by token, shape (33, 33)."""
    rows = [[int(number) for number in line.split()] for line in _LOWER.split("\n") if line]
    lower = np.array([row + [0] * (20 - len(row)) for row in rows])
    scores = np.full((len(TOKENS), len(TOKENS)), UNKNOWN_SCORE, dtype=np.int32)
    scores[np.ix_(RESIDUE_TOKENS, RESIDUE_TOKENS)] = lower + np.tril(lower, -1).T
    return scores
