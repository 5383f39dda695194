"""Text of many guides or targets as places in their letters, laid out in one buffer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pajamo.data.assays.alphabet import Rows, row_number
from pajamo.data.assays.pairs.pairing import ABSENT, TARGET, Codes
from pajamo.errors import DataError

GAP = ABSENT
"""Place of a gap, in guides as in targets."""
BEFORE = "."
"""Stands for a position that an enzyme with a shorter PAM does not have, at the start of guide and target."""
_BEFORE = len(TARGET)
_WRONG = 255
_SPELT = TARGET + BEFORE
_OTHERWISE = {"_": "-", "U": "T"}
_SHOWN = 60


def _lookup() -> bytes:
    table = bytearray([_WRONG] * 256)
    for place, letter in enumerate(_SPELT):
        table[ord(letter)] = table[ord(letter.lower())] = place
    for letter, meant in _OTHERWISE.items():
        table[ord(letter)] = table[ord(letter.lower())] = _SPELT.index(meant)
    return bytes(table)


_LOOKUP = _lookup()
_PLAIN = {ord(letter): meant for letter, meant in _OTHERWISE.items()} | {ord("-"): None, ord("_"): None}


def plain(text: str) -> str:
    """A sequence in upper case, as DNA, without gaps and without spaces about it."""
    upper = text.strip().upper()
    return upper if upper.isalpha() and "U" not in upper else upper.translate(_PLAIN)


@dataclass(frozen=True)
class Letters:
    """Places of the letters of many sequences.

    Attributes
    ----------
    flat: places of all letters, one sequence after the other.
    lengths: of the sequences, with gaps and what stands before them; shape (sequences,).
    before: how many positions at their start an enzyme with a shorter PAM does not have, shape (sequences,).
    """

    flat: Codes
    lengths: NDArray[np.int64]
    before: NDArray[np.int64]

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Where each sequence starts in the buffer."""
        return np.cumsum(self.lengths) - self.lengths

    @cached_property
    def gaps(self) -> NDArray[np.int64]:
        """Number of gaps of each sequence."""
        return _count(self.flat == GAP, self.starts)

    def table(self, which: NDArray[np.intp] | None = None) -> Codes:
        """Places of some sequences of one length (of all), shape (sequences, letters)."""
        if which is None:
            return self.flat.reshape(len(self.lengths), -1)[:, int(self.before[0]) :]
        first, length = int(self.before[which[0]]), int(self.lengths[which[0]])
        return np.asarray(self.flat[self.starts[which][:, None] + np.arange(first, length)])


def read_letters(texts: Sequence[str], what: str, where: str, rows: Rows | None = None) -> Letters:
    """Lay sequences out.

    Parameters
    ----------
    texts: sequences, in upper or lower case, as DNA or RNA, gaps written - or _.
    what: what they are, for errors: guide or target.
    where: the file, for errors.
    rows: the number of each row in it; counted from 0 if not given.

    Raises
    ------
    DataError: a value is no text or empty, or a letter outside ACGTUN and gaps; the first such row is shown.
    """
    _require_texts(texts, what, where, rows)
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    joined = "".join(texts).encode("ascii", "replace").translate(_LOOKUP)
    # A bytearray, because tensors may come to share this memory and want to write to it.
    flat = np.frombuffer(bytearray(joined), np.uint8)
    found = Letters(flat, lengths, np.zeros(len(lengths), dtype=np.int64))
    if flat.max(initial=0) >= _BEFORE:
        dots = _count(flat == _BEFORE, found.starts)
        _require_known(texts, found, dots, what, where, rows)
        found = Letters(flat, lengths, dots)
    _require_bases(texts, found, what, where, rows)
    return found


def _count(which: NDArray[np.bool_], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    if not which.any():
        return np.zeros(len(starts), dtype=np.int64)
    return np.add.reduceat(which, starts, dtype=np.int64)


def _require_texts(texts: Sequence[str], what: str, where: str, rows: Rows | None) -> None:
    for row, text in enumerate(texts):
        if not isinstance(text, str) or not text:
            raise _nothing(what, where, row, rows, text)


def _require_bases(texts: Sequence[str], found: Letters, what: str, where: str, rows: Rows | None) -> None:
    """A sequence has bases, not only gaps."""
    empty = found.lengths - found.gaps - found.before <= 0
    if empty.any():
        row = int(np.argmax(empty))
        raise _nothing(what, where, row, rows, texts[row])


def _nothing(what: str, where: str, row: int, rows: Rows | None, given: object) -> DataError:
    return DataError(
        f"a row has no {what}",
        where=f"{where}, row {row_number(row, rows)}: {given!r}",
        why="a pair is a guide and a target",
        fix="give both sequences, or remove the row",
    )


def _require_known(
    texts: Sequence[str],
    found: Letters,
    dots: NDArray[np.int64],
    what: str,
    where: str,
    rows: Rows | None,
) -> None:
    """Check that every letter is known, and that what stands for no position stands at the start."""
    places = np.arange(len(found.flat)) - np.repeat(found.starts, found.lengths)
    late = (found.flat == _BEFORE) & (places >= np.repeat(dots, found.lengths))
    wrong = (found.flat == _WRONG) | late
    if not wrong.any():
        return
    offenders = np.flatnonzero(_count(wrong, found.starts))
    row = int(offenders[0])
    place = int(np.argmax(wrong[found.starts[row] :]))
    raise DataError(
        f"{len(offenders)} {what}s hold letters outside the alphabet",
        where=f"{where}, row {row_number(row, rows)}: {texts[row][place]!r} in {texts[row][:_SHOWN]!r}",
        why="sequences hold A, C, G, T (or U), N, and - or _ for a gap",
        fix="mend or remove these rows, or name the right columns as `guide` and `target`",
    )
