"""Words of residues: what related proteins share, in proportion to how alike they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pajamo.data.proteins.alphabet import RESIDUES, TOKENS
from pajamo.data.proteins.corpus import ProteinCorpus

RESIDUES_AT_ONCE = 1 << 21
NONE: Final = 255
"""Class of a letter that is no amino acid; no word holds it."""
_SCRAMBLER: Final = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Spelling:
    """How residues become words.

    Attributes
    ----------
    groups: amino acids that count as one letter.
    length: letters of a word.
    """

    groups: tuple[str, ...]
    length: int

    def classes(self) -> NDArray[np.uint8]:
        """Letter of each token, `NONE` for what is no amino acid; shape (33,)."""
        found = np.full(len(TOKENS), NONE, dtype=np.uint8)
        for number, group in enumerate(self.groups):
            for residue in group:
                found[TOKENS.index(residue)] = number
        return found

    @property
    def number(self) -> int:
        """Words that there can be."""
        return int(len(self.groups) ** self.length)


EXACT: Final = Spelling(tuple(RESIDUES), 6)
"""Six residues as they are."""
REDUCED: Final = Spelling(("AST", "C", "DN", "EQ", "FY", "G", "H", "IV", "KR", "LM", "P", "W"), 7)
"""Seven residues, those that often replace one another counting as one.

Source: Steinegger & Söding 2018, Nat. Commun. 9, 2542 (Linclust), methods, "reduced amino acid alphabet".
"""


@dataclass(frozen=True)
class Words:
    """Words of some proteins.

    Attributes
    ----------
    spelled: each word as a number below `Spelling.number`; shape (words,), uint32.
    proteins: the protein that it stands in; shape (words,), ascending.
    places: residue of the protein with which it begins; shape (words,).
    """

    spelled: NDArray[np.uint32]
    proteins: NDArray[np.int64]
    places: NDArray[np.int64]


def words(
    corpus: ProteinCorpus,
    spelling: Spelling,
    indices: NDArray[np.int64] | None = None,
    part: tuple[float, float] = (0.0, 1.0),
) -> Iterator[Words]:
    """All words of proteins, some million residues at a time.

    Parameters
    ----------
    corpus: the proteins.
    spelling: how residues become words.
    indices: which proteins, ascending; all if not given.
    part: only words whose scrambled value, as a share of the largest, lies in this range: a sample of words that is
        the same for all proteins (FracMinHash; Irber et al. 2022, bioRxiv 2022.01.11.475838).
    """
    classes = spelling.classes()
    number = len(corpus) if indices is None else len(indices)
    for begin, end in _pieces(corpus, indices, number):
        which = np.arange(begin, end) if indices is None else indices[begin:end]
        tokens, lengths = corpus.gather(which)
        at = _whole(classes[tokens], lengths, spelling.length)
        spelled = _spelled(classes[tokens], at, spelling)
        if part != (0.0, 1.0):
            inside = _within(spelled, part)
            at, spelled = at[inside], spelled[inside]
        starts = np.concatenate(([0], np.cumsum(lengths)))
        owner = np.searchsorted(starts, at, side="right") - 1
        yield Words(spelled, which[owner], at - starts[owner])


def _pieces(
    corpus: ProteinCorpus, indices: NDArray[np.int64] | None, number: int
) -> Iterator[tuple[int, int]]:
    """Ranges of places of about `RESIDUES_AT_ONCE` residues each, at least one protein in each."""
    most = 1 << 16
    begin = 0
    while begin < number:
        stop = min(begin + most, number)
        lengths = corpus.lengths[begin:stop] if indices is None else corpus.lengths[indices[begin:stop]]
        fitting = int(np.searchsorted(np.cumsum(lengths), RESIDUES_AT_ONCE, side="right"))
        end = begin + max(1, fitting)
        yield begin, end
        begin = end


def _whole(classes: NDArray[np.uint8], lengths: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """Places where a word begins that lies in one protein and holds amino acids only."""
    holds = classes != NONE
    begins = np.ones(max(len(classes) - length + 1, 0), dtype=bool)
    for letter in range(length):
        begins &= holds[letter : letter + len(begins)]
    # The last letters of each protein begin no word.
    ends = np.cumsum(lengths)
    for back in range(1, length):
        last = ends - back
        begins[last[(last >= 0) & (last < len(begins))]] = False
    return np.flatnonzero(begins)


def _spelled(classes: NDArray[np.uint8], at: NDArray[np.int64], spelling: Spelling) -> NDArray[np.uint32]:
    every = np.zeros(max(len(classes) - spelling.length + 1, 0), dtype=np.uint32)
    for letter in range(spelling.length):
        every *= np.uint32(len(spelling.groups))
        every += classes[letter : letter + len(every)]
    return every[at]


def _within(spelled: NDArray[np.uint32], part: tuple[float, float]) -> NDArray[np.bool_]:
    scrambled = (spelled.astype(np.uint64) + np.uint64(1)) * _SCRAMBLER
    scrambled ^= scrambled >> np.uint64(29)
    scrambled *= _SCRAMBLER
    share = (scrambled >> np.uint64(11)) * 2.0**-53
    inside: NDArray[np.bool_] = (share >= part[0]) & (share < part[1])
    return inside
