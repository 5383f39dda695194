"""Guide-target pairs as sequences of codes: an alphabet whose letters say what the guide meets at a position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pajamo.data.assays.alphabet import Alphabet, Rows, row_number
from pajamo.data.assays.pairs.alignment import aligned_codes
from pajamo.data.assays.pairs.pairing import (
    ABSENT,
    GUIDE,
    INSERTED,
    LETTERS,
    NONE,
    TARGET,
    Codes,
    names,
    pairing,
    parts,
)
from pajamo.errors import DataError

BETWEEN = ":"
"""Between guide and target in the text of a pair."""
_GAPS = str.maketrans("_uUacgtn", "-TTACGTN")
_WRONG = 255


@dataclass(frozen=True)
class PairAlphabet(Alphabet):
    """Pairs written "GUIDE:TARGET", read from the PAM outwards, with "-" for gaps where they are aligned.

    Lower case and U are read as upper case and T, "_" as a gap. Where neither sequence has a gap they are aligned.
    """

    letters: str = LETTERS

    @property
    def complement(self) -> None:  # type: ignore[override]
        """None: a pair has no other strand."""
        return None

    @cached_property
    def names(self) -> tuple[str, ...]:
        """A name for each code: "G=" for a match, "G>A", "G-", "G=+C"."""
        return names()

    def encode(self, sequences: Sequence[str], where: str = "pairs", rows: Rows | None = None) -> Codes:
        """Codes of each position of each guide, shape (pairs, longest guide); shorter ones end in `missing`.

        Raises
        ------
        DataError: a letter outside ACGTUN and gaps, a pair without ":", one that is empty, gaps in one sequence that
            are not opposite of the other's, or a guide with N outside its PAM... the first such row is shown.
        """
        pairs = [_split(text, where, row, rows) for row, text in enumerate(sequences)]
        lengths = np.array([(len(guide), len(target)) for guide, target in pairs], dtype=np.int64).reshape(
            -1, 2
        )
        gapped = np.array(["-" in guide or "-" in target for guide, target in pairs], dtype=bool)
        found: list[tuple[NDArray[np.intp], Codes]] = []
        for shape in np.unique(np.column_stack([lengths, gapped]), axis=0):
            which = np.flatnonzero((lengths == shape[:2]).all(axis=1) & (gapped == shape[2]))
            guides = _places([pairs[row][0] for row in which], GUIDE + "-", "guide", where, which, rows)
            targets = _places([pairs[row][1] for row in which], TARGET, "target", where, which, rows)
            made = (
                _from_columns(guides, targets, where, which, rows)
                if shape[2]
                else aligned_codes(guides, targets)
            )
            found.append((which, made))
        longest = max((codes.shape[1] for _, codes in found), default=0)
        total = np.full((len(pairs), longest), self.missing, dtype=np.uint8)
        for which, codes in found:
            total[which, : codes.shape[1]] = codes
        return total

    def decode(self, codes: Codes) -> list[str]:
        """Pairs as text, aligned, from the PAM outwards; the missing code is left out."""
        return [self._text(row[row != self.missing]) for row in codes]

    @staticmethod
    def _text(codes: Codes) -> str:
        guide, target = [], []
        for own, met, behind in zip(*parts(codes), strict=True):
            guide.append(GUIDE[own] + ("-" if behind else ""))
            target.append(TARGET[met] + (INSERTED[behind] if behind else ""))
        return "".join(guide) + BETWEEN + "".join(target)


def _split(text: str, where: str, row: int, rows: Rows | None) -> tuple[str, str]:
    guide, found, target = text.translate(_GAPS).partition(BETWEEN) if isinstance(text, str) else ("", "", "")
    if not found or not guide.strip("-") or not target.strip("-"):
        raise DataError(
            "a row has no guide and target",
            where=f"{where}, row {row_number(row, rows)}: {text!r}",
            fix="give both sequences, written GUIDE:TARGET from the PAM outwards",
        )
    return guide, target


def _places(
    texts: list[str], known: str, what: str, where: str, which: NDArray[np.intp], rows: Rows | None
) -> Codes:
    table = np.full(256, _WRONG, dtype=np.uint8)
    table[[ord(letter) for letter in known]] = np.arange(len(known))
    joined = "".join(texts).encode("ascii", "replace")
    found = table[np.frombuffer(joined, np.uint8)].reshape(len(texts), -1)
    wrong = (found == _WRONG).any(axis=1)
    if wrong.any():
        row = int(np.argmax(wrong))
        place = int(np.argmax(found[row] == _WRONG))
        raise DataError(
            f"{int(wrong.sum())} {what}s hold letters outside the alphabet",
            where=f"{where}, row {row_number(int(which[row]), rows)}: {texts[row][place]!r} in {texts[row]!r}",
            why="sequences hold A, C, G, T (or U), N, and - or _ for a gap",
            fix="mend or remove these rows, or name the right columns as `guide` and `target`",
        )
    return found


def _from_columns(
    guides: Codes, targets: Codes, where: str, which: NDArray[np.intp], rows: Rows | None
) -> Codes:
    """Codes of pairs that come aligned, column by column."""
    if guides.shape != targets.shape:
        raise DataError(
            f"an aligned guide has {guides.shape[1]} columns and its target {targets.shape[1]}",
            where=f"{where}, row {row_number(int(which[0]), rows)}",
            why="the pair holds gaps, so that each column is one position of the alignment",
            fix="give both with their gaps, or both without: pajamo aligns them",
        )
    gap = GUIDE_GAP
    lengths = (guides != gap).sum(axis=1)
    total = np.full((len(guides), int(lengths.max())), LETTERS_MISSING, dtype=np.uint8)
    place = np.cumsum(guides != gap, axis=1) - 1
    several = INSERTED.index("N")
    own = np.zeros(total.shape, dtype=np.uint8)
    met = np.full(total.shape, ABSENT, dtype=np.uint8)
    behind = np.zeros(total.shape, dtype=np.uint8)
    rows_at, columns = np.nonzero(guides != gap)
    own[rows_at, place[rows_at, columns]] = guides[rows_at, columns]
    met[rows_at, place[rows_at, columns]] = targets[rows_at, columns]
    for column in range(guides.shape[1]):
        bulge = np.flatnonzero((guides[:, column] == gap) & (targets[:, column] != ABSENT))
        at = np.maximum(place[bulge, column], 0)
        first = behind[bulge, at] == NONE
        behind[bulge, at] = np.where(first, np.minimum(targets[bulge, column] + 1, several), several)
    made = pairing(own, met, behind)
    inside = np.arange(total.shape[1]) < lengths[:, None]
    total[inside] = made[inside]
    return total


GUIDE_GAP = len(GUIDE)
LETTERS_MISSING = len(LETTERS)
