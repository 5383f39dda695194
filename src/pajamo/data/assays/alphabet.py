"""Letters of sequences, and sequences as small integers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pajamo.config.assays import PAIRS
from pajamo.errors import DataError, StudyError

Codes = NDArray[np.uint8]
Rows: TypeAlias = Sequence[int] | NDArray[np.int64]
"""Numbers of rows in a file."""

NAMED = {
    "dna": "ACGT",
    "rna": "ACGU",
    "protein": "ACDEFGHIKLMNPQRSTVWY",
    "protein*": "*ACDEFGHIKLMNPQRSTVWY",
}
COMPLEMENTS = {"ACGT": "TGCA", "ACGU": "UGCA"}
MEANINGS = {
    "-": "a gap of an alignment: remove it",
    ".": "a gap of an alignment: remove it",
    "N": "N stands for a letter that was not read",
    "X": "X stands for a residue that is not known",
}
"""What letters usually mean that are in no alphabet."""
_INVALID = 255
_SHOWN = 60
"""Most letters of a sequence that an error shows."""


@dataclass(frozen=True)
class Alphabet:
    """The letters that a sequence may hold, in the order of their codes."""

    letters: str

    @property
    def missing(self) -> int:
        """Code beyond the end of a shorter sequence."""
        return len(self.letters)

    @cached_property
    def complement(self) -> Codes | None:
        """Code of the letter on the other strand for each code (the missing one last); None without strands."""
        other = COMPLEMENTS.get(self.letters)
        if other is None:
            return None
        return np.array([*map(self.letters.index, other), self.missing], dtype=np.uint8)

    def encode(self, sequences: Sequence[str], where: str = "sequences", rows: Rows | None = None) -> Codes:
        """Codes of each letter, shape (sequences, longest length); shorter ones end in `missing`.

        Parameters
        ----------
        sequences: text.
        where: the file, for errors.
        rows: the number of each sequence's row in it; counted from 0 if not given.

        Raises
        ------
        DataError: a letter is not of this alphabet, or a value is no text; the first such row is shown.
        """
        _require_texts(sequences, where, rows)
        lengths = np.fromiter(map(len, sequences), dtype=np.int64, count=len(sequences))
        joined = "".join(sequences)
        if not joined.isascii():
            joined = re.sub(r"[^\x00-\x7f]", "\0", joined)
        # A bytearray, because tensors are to share this memory and want to write to it.
        flat = np.frombuffer(bytearray(joined.encode("ascii").translate(self._table)), np.uint8)
        if flat.max(initial=0) == _INVALID:
            self._reject(sequences, flat == _INVALID, lengths, where, rows)
        return self._laid_out(flat, lengths)

    def _laid_out(self, flat: Codes, lengths: NDArray[np.int64]) -> Codes:
        longest = int(lengths.max(initial=0))
        if len(flat) == longest * len(lengths):
            return flat.reshape(len(lengths), longest)
        codes = np.full((len(lengths), longest), self.missing, dtype=np.uint8)
        codes[np.arange(longest) < lengths[:, None]] = flat
        return codes

    @cached_property
    def _table(self) -> bytes:
        table = bytearray([_INVALID] * 256)
        for code, letter in enumerate(self.letters):
            table[ord(letter)] = code
        return bytes(table)

    def _reject(
        self,
        sequences: Sequence[str],
        bad: NDArray[np.bool_],
        lengths: NDArray[np.int64],
        where: str,
        rows: Rows | None,
    ) -> None:
        ends = np.cumsum(lengths)
        offenders = np.unique(np.searchsorted(ends, np.flatnonzero(bad), side="right"))
        first = int(offenders[0])
        place = int(np.argmax(bad[ends[first] - lengths[first] :]))
        sequence = sequences[first]
        raise DataError(
            f"{len(offenders)} of {len(sequences)} sequences hold letters outside the alphabet",
            where=f"{where}, row {row_number(first, rows)}: {sequence[place]!r} at position {place} of "
            f"{sequence[:_SHOWN]!r}",
            why=f"the alphabet is {self.letters}{self._hint(sequence, sequence[place])}",
            fix="name the right `alphabet` in the study, or remove or mend these rows",
        )

    def _hint(self, sequence: str, letter: str) -> str:
        """What is likely meant by a letter that is not of this alphabet."""
        if letter.isspace():
            return "; this is a space or the end of a line"
        if letter.swapcase() in self.letters:
            return "; they differ only by upper and lower case, which count as different letters"
        if letter in MEANINGS and set(sequence) - {letter} <= set(self.letters):
            return f"; {MEANINGS[letter]}"
        name = next((name for name, letters in NAMED.items() if set(sequence) <= set(letters)), None)
        if name and self.letters in NAMED.values():
            return f"; this sequence is of the alphabet {name!r}"
        return ""

    def decode(self, codes: Codes) -> list[str]:
        """Sequences as text; the missing code is left out."""
        letters = np.array([*self.letters, ""])
        return ["".join(row) for row in letters[codes]]


def row_number(index: int, rows: Rows | None) -> int:
    """The number that a user sees for a row: as in the file if that is known."""
    return index if rows is None else int(rows[index])


def _require_texts(sequences: Sequence[str], where: str, rows: Rows | None) -> None:
    for index, sequence in enumerate(sequences):
        if not isinstance(sequence, str) or not sequence:
            raise DataError(
                "a row has no sequence",
                where=f"{where}, row {row_number(index, rows)}: {sequence!r}",
                fix="remove the row, or name the right column as `sequence`",
            )


def alphabet_of(name: str) -> Alphabet:
    """An alphabet by its name, or by its letters; "guide-target" are pairs of both.

    Raises
    ------
    StudyError: letters are repeated, or fewer than two, or cannot be printed.
    """
    if name.lower() == PAIRS:
        # Imported here, as pairs are a kind of the alphabet above.
        from pajamo.data.assays.pairs.alphabet import PairAlphabet

        return PairAlphabet()
    letters = NAMED.get(name.lower(), name)
    usable = letters.isascii() and letters.isprintable() and " " not in letters
    if not usable or len(letters) < 2 or len(set(letters)) != len(letters):
        raise StudyError(
            f"{name!r} is no alphabet",
            where="alphabet",
            why="an alphabet has at least two letters, each once, and none of them a space",
            fix=f"named ones: {', '.join([*NAMED, PAIRS])}",
        )
    return Alphabet(letters)
