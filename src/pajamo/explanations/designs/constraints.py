"""What a designed sequence must fulfil."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from pajamo.config.strict import Config
from pajamo.data.assays.alphabet import Alphabet, Codes
from pajamo.errors import DataError, shorten

Mask = NDArray[np.bool_]
AMBIGUOUS = {
    "R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC",
    "B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG", "N": "ACGT",
}  # fmt: skip
"""Letters that stand for several nucleotides (IUPAC)."""


class Constraints(Config):
    """What a designed sequence must fulfil; nothing by default."""

    gc: tuple[float, float] = (0.0, 1.0)
    """Least and largest share of G and C."""
    forbidden: tuple[str, ...] = ()
    """Sites that must not occur, as GGTCTC or GANTC; on DNA and RNA not on the other strand either."""
    most_edits: int | None = Field(default=None, ge=0)
    """Most positions that differ from the start."""
    fixed: tuple[int, ...] = ()
    """Positions that keep the letter of the start, counted from 0."""
    longest_run: int | None = Field(default=None, ge=1)
    """Most equal letters in a row."""

    @model_validator(mode="after")
    def _a_range(self) -> Self:
        if not 0 <= self.gc[0] <= self.gc[1] <= 1:
            raise ValueError("`gc` holds two shares from 0 to 1, the smaller first")
        if any(not motif for motif in self.forbidden):
            raise ValueError("a forbidden site has at least one letter")
        return self


@dataclass(frozen=True)
class Rules:
    """Constraints made ready for sequences of one alphabet about one start.

    Attributes
    ----------
    start: codes of the sequence that is edited, shape (length,).
    letters: size of the alphabet.
    motifs: for each forbidden site and its other strand, which letters each place may hold, (places, letters).
    counted: whether a letter counts as G or C, shape (letters,).
    gc: least and largest number of such letters.
    most_edits, longest_run: as declared; the length where not given.
    free: whether a position may change, shape (length,).
    """

    start: Codes
    letters: int
    motifs: tuple[Mask, ...]
    counted: Mask
    gc: tuple[int, int]
    most_edits: int
    longest_run: int
    free: Mask

    @classmethod
    def of(cls, constraints: Constraints, start: Codes, alphabet: Alphabet) -> Rules:
        """Check a declaration against the start.

        Raises
        ------
        DataError: a position outside the sequence, a letter outside the alphabet, or GC of what has none.
        """
        length = len(start)
        outside = [place for place in constraints.fixed if not 0 <= place < length]
        if outside:
            raise _refused(f"position {outside[0]} is outside the sequence of {length} letters", "fixed")
        if constraints.gc != (0.0, 1.0) and alphabet.complement is None:
            raise _refused(f"sequences of {alphabet.letters} have no GC content", "gc")
        free = np.ones(length, dtype=bool)
        free[list(constraints.fixed)] = False
        low, high = constraints.gc
        # A share such as 0.3 of 10 letters is three of them, whatever its last bit in memory says.
        counts = (int(np.ceil(low * length - 1e-9)), int(np.floor(high * length + 1e-9)))
        counted = np.array([letter in "GC" for letter in alphabet.letters])
        motifs = tuple(mask for motif in constraints.forbidden for mask in _strands(motif, alphabet))
        edits = length if constraints.most_edits is None else constraints.most_edits
        run = length if constraints.longest_run is None else constraints.longest_run
        return cls(start, len(alphabet.letters), motifs, counted, counts, edits, run, free)

    def edits(self, codes: Codes) -> NDArray[np.int64]:
        """How many positions differ from the start, shape (sequences,)."""
        return np.asarray((codes != self.start).sum(axis=1))

    def kept(self, codes: Codes) -> dict[str, Mask]:
        """Whether each constraint holds for each sequence, each of shape (sequences,)."""
        gc = self.counted[codes].sum(axis=1)
        return {
            "gc": (gc >= self.gc[0]) & (gc <= self.gc[1]),
            "forbidden": ~self.has_motif(codes),
            "most_edits": self.edits(codes) <= self.most_edits,
            "fixed": (codes == self.start)[:, ~self.free].all(axis=1),
            "longest_run": longest_runs(codes) <= self.longest_run,
        }

    def hold(self, codes: Codes) -> Mask:
        """Whether all constraints hold, shape (sequences,)."""
        return np.asarray(np.logical_and.reduce(list(self.kept(codes).values())))

    def has_motif(self, codes: Codes) -> Mask:
        """Whether a forbidden site occurs anywhere, shape (sequences,)."""
        found = np.zeros(len(codes), dtype=bool)
        for motif in self.motifs:
            for first in range(codes.shape[1] - len(motif) + 1):
                found |= _matches(codes[:, first : first + len(motif)], motif)
        return found

    def ends_badly(self, codes: Codes) -> Mask:
        """Whether a sequence, so far as it is written, ends in a forbidden site or too long a run."""
        found = np.zeros(len(codes), dtype=bool)
        for motif in self.motifs:
            if codes.shape[1] >= len(motif):
                found |= _matches(codes[:, -len(motif) :], motif)
        if codes.shape[1] > self.longest_run:
            tail = codes[:, -self.longest_run - 1 :]
            found |= (tail == tail[:, :1]).all(axis=1)
        return found

    @property
    def memory(self) -> int:
        """How many of the last letters decide whether the next one may follow."""
        longest = max((len(motif) for motif in self.motifs), default=1) - 1
        return max(longest, self.longest_run if self.longest_run < len(self.start) else 0)


def longest_runs(codes: Codes) -> NDArray[np.int64]:
    """Length of the longest stretch of equal letters of each sequence, shape (sequences,)."""
    run = np.ones(len(codes), dtype=np.int64)
    longest = run.copy()
    for place in range(1, codes.shape[1]):
        run = np.where(codes[:, place] == codes[:, place - 1], run + 1, 1)
        longest = np.maximum(longest, run)
    return longest


def _matches(part: Codes, motif: Mask) -> Mask:
    return np.asarray(motif[np.arange(len(motif)), part].all(axis=1))


def _strands(motif: str, alphabet: Alphabet) -> list[Mask]:
    """The letters that each place of a site may hold, on either strand."""
    mask = np.array([_allowed(letter, motif, alphabet) for letter in motif])
    if alphabet.complement is None:
        return [mask]
    other = mask[::-1][:, alphabet.complement[:-1]]
    return [mask] if np.array_equal(mask, other) else [mask, other]


def _allowed(letter: str, motif: str, alphabet: Alphabet) -> list[bool]:
    meant = letter
    if letter not in alphabet.letters and alphabet.complement is not None:
        meant = AMBIGUOUS.get(letter, "").replace("T", alphabet.letters[-1])
    if not meant or not set(meant) <= set(alphabet.letters):
        raise _refused(f"{letter!r} of {motif!r} is no letter of {alphabet.letters}", "forbidden")
    return [known in meant for known in alphabet.letters]


def _refused(what: str, which: str) -> DataError:
    return DataError(what, where=f"constraints, `{which}`", fix=f"mend `{which}`: {shorten([what])}")
