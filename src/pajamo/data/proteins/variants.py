"""Measured effects of substitutions in one protein, as deep mutational scans record them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.config.proteins import VariantSettings
from pajamo.data.assays.tables import read_table
from pajamo.data.proteins.alphabet import RESIDUES
from pajamo.data.proteins.encoding import tokens_of
from pajamo.data.proteins.fasta import read_fasta
from pajamo.errors import DataError, StudyError, nearest, shorten, warn

WILD_TYPES: Final = ("WT", "wt", "wild type", "wild-type", "_wt")
"""What stands for the wild type itself among mutations."""
_SUBSTITUTION: Final = re.compile(r"([A-Z])(\d+)([A-Z])")


@dataclass(frozen=True)
class Substitution:
    """One residue in place of another.

    Attributes
    ----------
    place: residue of the wild type, from 0.
    before, after: letters of the wild type and of the variant.
    """

    place: int
    before: str
    after: str


@dataclass(frozen=True, eq=False)
class Variants:
    """Variants of one protein and what was measured of each.

    Attributes
    ----------
    wild_type: its residues.
    substitutions: of each variant; none for the wild type itself.
    scores: what was measured; shape (variants,), finite.
    names: as the table writes them.
    """

    wild_type: str
    substitutions: tuple[tuple[Substitution, ...], ...]
    scores: NDArray[np.float64]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.substitutions)

    def sequence(self, variant: int) -> str:
        """Residues of one variant."""
        letters = list(self.wild_type)
        for one in self.substitutions[variant]:
            letters[one.place] = one.after
        return "".join(letters)


def read_variants(settings: VariantSettings) -> Variants:
    """Read measured variants and hold each against the wild type; rows without a measurement are left out and said.

    Raises
    ------
    StudyError: no wild type is given, or two.
    DataError: no such file, column or row; a mutation that is not written as M182T, lies outside of the wild type,
        names another residue than stands there, or repeats a place; a score that is no number. The row is told.
    """
    protein = _Numbered.of(settings.wild_type, settings.sequence, settings.offset, settings.path)
    table = _table(settings.path, settings.mutations, settings.score)
    table = _measured(table, settings)
    found = _substitutions(table[settings.mutations], protein)
    scores = table[settings.score].to_numpy(dtype=np.float64)
    names = tuple(table[settings.mutations].str.strip())
    return Variants(protein.sequence, found, scores, names)


def read_substitutions(
    path: Path, mutations: str, wild_type: Path | None, sequence: str | None, offset: int = 0
) -> tuple[pd.DataFrame, str, tuple[tuple[Substitution, ...], ...]]:
    """Read variants that nobody may have measured.

    Parameters
    ----------
    path, mutations, wild_type, sequence, offset: as in `VariantSettings`.

    Returns
    -------
    The table as it is, the wild type's residues, and the substitutions of each row.

    Raises
    ------
    StudyError, DataError: as `read_variants`, but for scores.
    """
    protein = _Numbered.of(wild_type, sequence, offset, path)
    table = _table(path, mutations)
    return table, protein.sequence, _substitutions(table[mutations], protein)


@dataclass(frozen=True)
class _Numbered:
    """A wild type as a table numbers it; `where` is the table, for errors."""

    sequence: str
    offset: int
    where: Path

    @classmethod
    def of(cls, wild_type: Path | None, sequence: str | None, offset: int, where: Path) -> _Numbered:
        if (wild_type is None) == (sequence is None):
            raise StudyError(
                "the wild type must be given once: by `wild_type` (a FASTA file) or by `sequence`",
                where=f"variants of {where}",
                fix="give one of the two",
            )
        if wild_type is not None:
            return cls(next(read_fasta(wild_type))[1], offset, where)
        residues = str(sequence).strip().upper()
        tokens_of(residues, f"`sequence` of the variants of {where}")
        return cls(residues, offset, where)

    def refuse(self, row: int, what: str, fix: str) -> NoReturn:
        raise DataError(what, where=f"{self.where}, row {row}", fix=fix)


def _table(path: Path, mutations: str, *more: str) -> pd.DataFrame:
    table = read_table(path, text=(mutations,))
    for column in (mutations, *more):
        _require_column(table, column, path)
    return table


def _substitutions(mutations: pd.Series, protein: _Numbered) -> tuple[tuple[Substitution, ...], ...]:
    rows = zip(mutations.index, mutations.astype(str).str.strip(), strict=True)
    return tuple(_parsed(name, protein, int(row)) for row, name in rows)


def _require_column(table: pd.DataFrame, column: str, path: Path) -> None:
    if column not in table:
        known = list(map(str, table.columns))
        raise DataError(
            f"the table of variants has no column {column!r}",
            where=str(path),
            fix=f"{nearest(column, known)}it has: {shorten(known, 30)}",
        )


def _measured(table: pd.DataFrame, settings: VariantSettings) -> pd.DataFrame:
    values = table[settings.score]
    numbers = pd.to_numeric(values, errors="coerce")
    wrong = (numbers.isna() & values.notna()) | np.isinf(numbers)
    if wrong.any():
        raise DataError(
            f"the score {values[wrong].iloc[0]!r} is no finite number",
            where=f"{settings.path}, row {values[wrong].index[0]}, column {settings.score!r}",
            fix="give a number, or leave the cell empty",
        )
    kept = table.assign(**{settings.score: numbers})[numbers.notna()]
    if kept.empty:
        raise DataError(
            f"no variant has a score in column {settings.score!r}",
            where=str(settings.path),
            fix="name the column with measurements",
        )
    if len(kept) < len(table):
        warn(f"{settings.path.name}: {len(table) - len(kept):,} of {len(table):,} variants have no score")
    return kept


def _parsed(name: str, protein: _Numbered, row: int) -> tuple[Substitution, ...]:
    if name in WILD_TYPES:
        return ()
    found = tuple(_substitution(part.strip(), protein, row) for part in re.split("[:,;]", name))
    if len({one.place for one in found}) < len(found):
        protein.refuse(row, f"{name} changes one residue twice", "write one substitution a place")
    return found


def _substitution(text: str, protein: _Numbered, row: int) -> Substitution:
    match = _SUBSTITUTION.fullmatch(text)
    if match is None or match.group(3) not in RESIDUES:
        protein.refuse(
            row,
            f"{text!r} is no substitution",
            "write it as M182T: residue, its number, the new residue; several joined by a colon",
        )
    before, place, after = match.group(1), int(match.group(2)) - 1 - protein.offset, match.group(3)
    if not 0 <= place < len(protein.sequence):
        first, last = protein.offset + 1, protein.offset + len(protein.sequence)
        protein.refuse(
            row,
            f"{text} lies outside of the wild type, whose residues are numbered {first} to {last}",
            "give `offset`: the number of the wild type's first residue, less one",
        )
    if (there := protein.sequence[place]) != before:
        protein.refuse(
            row,
            f"{text} starts from {before}, and the wild type has {there} there",
            "give the wild type that was measured, or the `offset` of its numbering",
        )
    return Substitution(place, before, after)
