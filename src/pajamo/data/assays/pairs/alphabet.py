"""Guide-target pairs as sequences of codes: an alphabet whose letters say what the guide meets at a position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pajamo.data.assays.alphabet import Alphabet, Rows, row_number
from pajamo.data.assays.pairs.alignment import aligned_codes
from pajamo.data.assays.pairs.columns import codes_of_columns
from pajamo.data.assays.pairs.letters import BEFORE, Letters, read_letters
from pajamo.data.assays.pairs.pairing import GUIDE, INSERTED, LETTERS, TARGET, Codes, names, parts
from pajamo.errors import DataError

BETWEEN = ":"
"""Between guide and target in the text of a pair."""
_MOST = 2**15
"""Sequences are shorter than this."""


@dataclass(frozen=True)
class PairAlphabet(Alphabet):
    """Pairs written "GUIDE:TARGET", read from the PAM outwards, with "-" for gaps where they are aligned.

    Lower case and U are read as upper case and T, "_" as a gap. Where neither sequence has a gap they are aligned;
    what a longer target has beyond the PAM is its flank, of which no code tells.

    Attributes
    ----------
    letters: one a code; see `pairing`.
    pam: positions of the longest PAM in a study, 0 if nothing is known of it. Guides of enzymes with a shorter one
        have missing codes before it (written "."), so that a position of the protospacer is the same for all.
    """

    letters: str = LETTERS
    pam: int = 0

    @property
    def complement(self) -> None:
        """None: a pair has no other strand."""
        return None

    @cached_property
    def names(self) -> tuple[str, ...]:
        """A name for each code: "G=" for a match, "G>A", "G-", "G=+C"."""
        return names()

    def encode(self, sequences: Sequence[str], where: str = "pairs", rows: Rows | None = None) -> Codes:
        """Codes of each position of each guide, shape (pairs, longest guide); shorter ones end in `missing`.

        Parameters
        ----------
        sequences: texts, "GUIDE:TARGET".
        where: the file, for errors.
        rows: the number of each pair's row in it; counted from 0 if not given.

        Raises
        ------
        DataError: as `encode_pairs`, or a text without ":"; the first such row is shown.
        """
        halves = [_split(text, where, row, rows) for row, text in enumerate(sequences)]
        return self.encode_pairs([one for one, _ in halves], [other for _, other in halves], where, rows)

    def encode_pairs(
        self,
        guides: Sequence[str],
        targets: Sequence[str],
        where: str = "pairs",
        rows: Rows | None = None,
    ) -> Codes:
        """Codes of pairs whose guides and targets are given apart; see `encode`.

        Raises
        ------
        DataError: a guide or target that is empty or holds a letter outside ACGTUN and gaps; a pair with gaps whose
            guide and target have different numbers of columns. The first such row is shown.
        """
        own, met = read_letters(guides, "guide", where, rows), read_letters(targets, "target", where, rows)
        _require_columns(own, met, where, rows)
        kind = _kinds(own, met)
        if len(kind) and (kind == kind[0]).all():
            return self._of_one_kind(own, met, None)
        kinds, kind_of = np.unique(kind, return_inverse=True)
        longest = int((own.lengths - own.gaps).max(initial=0))
        total = np.full((len(kind), longest), self.missing, dtype=np.uint8)
        for number in range(len(kinds)):
            which = np.flatnonzero(kind_of == number)
            made = self._of_one_kind(own, met, which)
            total[which, : made.shape[1]] = made
        return total

    def _of_one_kind(self, own: Letters, met: Letters, which: NDArray[np.intp] | None) -> Codes:
        """Codes of pairs of the same lengths, that all have gaps or none."""
        first = 0 if which is None else int(which[0])
        gapped = own.gaps[first] or met.gaps[first]
        before, both = int(own.before[first]), (own.table(which), met.table(which))
        made = codes_of_columns(*both) if gapped else aligned_codes(*both, pam=max(self.pam - before, 0))
        return np.pad(made, ((0, 0), (before, 0)), constant_values=self.missing) if before else made

    def decode(self, codes: Codes) -> list[str]:
        """Pairs as text, aligned, from the PAM outwards; missing codes at the end are left out."""
        return [self._text(row) for row in codes]

    def _text(self, codes: Codes) -> str:
        held = np.flatnonzero(codes != self.missing)
        before = BEFORE * int(held[0]) if len(held) else ""
        guide, target = [before], [before]
        for own, met, behind in zip(*parts(codes[held]), strict=True):
            guide.append(GUIDE[own] + ("-" if behind else ""))
            target.append(TARGET[met] + (INSERTED[behind] if behind else ""))
        return "".join(guide) + BETWEEN + "".join(target)


def _split(text: str, where: str, row: int, rows: Rows | None) -> tuple[str, str]:
    guide, found, target = text.partition(BETWEEN) if isinstance(text, str) else ("", "", "")
    if not found:
        raise DataError(
            "a row has no guide and target",
            where=f"{where}, row {row_number(row, rows)}: {text!r}",
            fix="give both sequences, written GUIDE:TARGET from the PAM outwards",
        )
    return guide, target


def _require_columns(own: Letters, met: Letters, where: str, rows: Rows | None) -> None:
    """Check that guides and targets belong together, row by row and column by column."""
    if len(own.lengths) != len(met.lengths):
        raise DataError(
            f"there are {len(own.lengths)} guides and {len(met.lengths)} targets",
            where=where,
            fix="give each guide its target",
        )
    gapped = (own.gaps > 0) | (met.gaps > 0)
    uneven = (gapped & (own.lengths != met.lengths)) | (own.before != met.before)
    if uneven.any():
        row = int(np.argmax(uneven))
        raise DataError(
            f"an aligned guide has {own.lengths[row]} columns and its target {met.lengths[row]}",
            where=f"{where}, row {row_number(row, rows)}",
            why="the pair holds gaps, so that each column is one position of the alignment",
            fix="give both with their gaps, or both without: pajamo aligns them",
        )


def _kinds(own: Letters, met: Letters) -> NDArray[np.int64]:
    """A number that pairs share whose lengths are the same, and of which all have gaps or none."""
    gapped = (own.gaps > 0) | (met.gaps > 0)
    lengths = np.minimum(own.lengths, _MOST - 1) * _MOST + np.minimum(met.lengths, _MOST - 1)
    return np.asarray((lengths * _MOST + own.before) * 2 + gapped)
