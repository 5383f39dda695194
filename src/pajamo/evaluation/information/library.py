"""What a footprint is taken of: mutated sequences and what was recorded of each, checked once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pajamo.errors import DataError
from pajamo.evaluation.information.checking import finite_column, read_table, same_rows
from pajamo.evaluation.information.estimate import Indices

Codes = NDArray[np.uint8]


@dataclass(frozen=True)
class Library:
    """Sequences of a library of mutants as integer codes.

    Attributes
    ----------
    codes: index of each base in the alphabet, shape (rows, positions).
    alphabet: its letters, such as "ACGT".
    wild_type: codes of the wild type, shape (positions,).
    """

    codes: Codes
    alphabet: str
    wild_type: Codes

    @classmethod
    def of(cls, codes: ArrayLike, alphabet: str, wild_type: ArrayLike) -> Library:
        """Check codes against alphabet and wild type.

        Raises
        ------
        DataError: codes outside the alphabet, a letter used twice, or a wild type of another length.
        """
        table, native = np.asarray(codes), np.asarray(wild_type)
        if table.ndim != 2 or not table.size or native.shape != table.shape[1:]:
            raise DataError(
                f"codes of shape {table.shape} do not fit a wild type of shape {native.shape}",
                why="each row is one sequence, and the wild type has a code for each of its positions",
            )
        if len(set(alphabet)) != len(alphabet):
            raise DataError(f"the alphabet {alphabet!r} names a letter twice")
        for name, part in (("a sequence", table), ("the wild type", native)):
            _within(np.atleast_2d(part), len(alphabet), name)
        return cls(table.astype(np.uint8), alphabet, native.astype(np.uint8))

    @property
    def positions(self) -> int:
        """Length of the sequences."""
        return len(self.wild_type)

    @cached_property
    def columns(self) -> Codes:
        """Codes by position, shape (positions, rows), each position in one piece of memory."""
        return np.ascontiguousarray(self.codes.T)

    def take(self, rows: Indices) -> Library:
        """The library with the sequences of these rows."""
        return Library(self.codes[rows], self.alphabet, self.wild_type)


def _within(codes: NDArray[Any], letters: int, name: str) -> None:
    if not np.issubdtype(codes.dtype, np.integer):
        raise DataError(f"the codes of {name} are of type {codes.dtype}, and need to be integers")
    wrong = np.argwhere((codes < 0) | (codes >= letters))
    if len(wrong):
        row, position = wrong[0]
        raise DataError(
            f"{name} has the code {codes[row, position]}, beyond an alphabet of {letters} letters",
            where=f"row {row}, position {position}",
        )


def recorded_reads(recorded: ArrayLike, rows: int) -> NDArray[np.int64]:
    """Read counts of as many rows as the library has, shape (rows, bins).

    Raises
    ------
    DataError: counts that are none, or another number of rows.
    """
    table = read_table(recorded)
    same_rows(rows, len(table), "the table of read counts")
    return table


def recorded_values(recorded: ArrayLike, rows: int) -> NDArray[np.float64]:
    """Measured values of as many rows as the library has, shape (rows,).

    Raises
    ------
    DataError: values that are not finite, or another number of rows.
    """
    values = finite_column(recorded, "what was measured")
    same_rows(rows, len(values), "what was measured")
    return values
