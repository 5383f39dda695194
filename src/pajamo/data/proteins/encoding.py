"""Residues as tokens."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pajamo.data.proteins.alphabet import LETTERS, TOKENS
from pajamo.errors import DataError, shorten

NO_TOKEN: Final = 255


def _table() -> NDArray[np.uint8]:
    table = np.full(256, NO_TOKEN, dtype=np.uint8)
    for letter in LETTERS:
        table[ord(letter)] = TOKENS.index(letter)
    return table


_OF_BYTE: Final = _table()


def tokens_of(sequence: str, where: str = "") -> NDArray[np.uint8]:
    """Tokens of residues, without <cls> and <eos>; shape (residues,).

    Parameters
    ----------
    sequence: capital letters.
    where: whose residues these are, for an error.

    Raises
    ------
    DataError: no residues, or a letter that is no residue.
    """
    tokens = _OF_BYTE[np.frombuffer(sequence.encode("latin-1", "replace"), dtype=np.uint8)]
    wrong = sorted({sequence[place] for place in np.flatnonzero(tokens == NO_TOKEN)})
    if wrong or not sequence:
        raise DataError(
            f"letters that are no residues: {shorten(wrong)}" if wrong else "a protein has no residues",
            where=where,
            fix=f"the letters are {LETTERS}; write X for a residue that is not known",
        )
    return tokens
