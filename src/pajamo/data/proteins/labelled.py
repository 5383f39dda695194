"""Proteins of which a property was recorded: a number, a class, or a class for each residue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.config.proteins.fine_tuning import LabelSettings, PropertyKind
from pajamo.data.assays.tables import Table, read_table
from pajamo.data.proteins.encoding import tokens_of
from pajamo.data.proteins.fasta import read_fasta
from pajamo.errors import DataError, shorten, warn

UNKNOWN: Final = -1
"""Class of a residue of which nothing is known; it does not count in a loss."""
SETS: Final = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "test": "test",
}


@dataclass(frozen=True, eq=False)
class LabelledProteins:
    """Proteins and what was recorded of them.

    Attributes
    ----------
    kind: regression, classification (one class a protein), or residues (one class a residue).
    sequences: residues of each protein, at most as many as the model sees.
    tokens: the same as tokens, without <cls> and <eos>.
    labels: regression: shape (proteins,), float64; classification: shape (proteins,), int64; residues: for each
        protein shape (residues,), int64, with -1 where nothing is known.
    classes: names of classes; none for regression.
    sets: train, validation or test, for each protein; None where the table does not say.
    """

    kind: PropertyKind
    sequences: tuple[str, ...]
    tokens: tuple[NDArray[np.uint8], ...]
    labels: NDArray[np.float64] | NDArray[np.int64] | tuple[NDArray[np.int64], ...]
    classes: tuple[str, ...]
    sets: NDArray[np.str_] | None

    def __len__(self) -> int:
        return len(self.tokens)


def read_labelled(settings: LabelSettings) -> LabelledProteins:
    """Read proteins and their labels; proteins without a label are left out, longer ones than the model sees are cut.

    Both are counted and said.

    Raises
    ------
    DataError: no such file, column or protein; a letter that is no residue, a number that is none, labels of residues
        that are not as many as residues, one class only, or a set that is none. The row is told.
    """
    table = Table(read_table(settings.path, text=_texts(settings)), str(settings.path))
    known = table.column(settings.label).notna().to_numpy() & (table.column(settings.label) != "").to_numpy()
    if not known.any():
        raise DataError(f"no protein has a label in column {settings.label!r}", where=table.where)
    if not known.all():
        warn(f"{settings.path.name}: {(~known).sum():,} of {len(known):,} proteins have no label")
    table = table.keep(known)
    sequences = _sequences(table, settings)
    labels, classes = _labels(table, sequences, settings)
    return _cut(table, sequences, labels, classes, settings)


def _texts(settings: LabelSettings) -> tuple[str, ...]:
    """Columns that are read as they are written."""
    found = (settings.name if settings.fasta else settings.sequence, settings.set)
    labels = () if settings.kind == "regression" else (settings.label,)
    return tuple(column for column in (*found, *labels) if column is not None)


def _sequences(table: Table, settings: LabelSettings) -> list[str]:
    if settings.fasta is None:
        return [str(one).strip().upper().rstrip("*") for one in table.column(settings.sequence)]
    known = dict(read_fasta(settings.fasta))
    names = table.column(settings.name)
    absent = ~names.isin(known).to_numpy()
    if absent.any():
        raise DataError(
            f"{absent.sum():,} proteins of the table are not in the FASTA file: {shorten(names[absent])}",
            where=f"{table.at(absent)}; {settings.fasta}",
            fix="names in the table must be the first words of the headers",
        )
    return [known[name] for name in names]


Labels = NDArray[np.float64] | NDArray[np.int64] | list[NDArray[np.int64]]


def _labels(table: Table, sequences: list[str], settings: LabelSettings) -> tuple[Labels, tuple[str, ...]]:
    column = table.column(settings.label)
    if settings.kind == "regression":
        return _numbers(table, column), ()
    texts = column.astype(str).str.strip()
    if settings.kind == "classification":
        classes = _several(sorted(set(texts)), table)
        return pd.Index(classes).get_indexer(pd.Index(texts)).astype(np.int64), classes
    return _letters(table, texts, sequences, settings)


def _numbers(table: Table, column: pd.Series) -> NDArray[np.float64]:
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)
    wrong = ~np.isfinite(numbers)
    if wrong.any():
        raise DataError(
            f"the label {column[wrong].iloc[0]!r} is no finite number",
            where=table.at(wrong),
            fix='give numbers, or say kind = "classification"',
        )
    return numbers


def _letters(
    table: Table, texts: pd.Series, sequences: list[str], settings: LabelSettings
) -> tuple[list[NDArray[np.int64]], tuple[str, ...]]:
    unlike = np.array([len(text) != len(one) for text, one in zip(texts, sequences, strict=True)])
    if unlike.any():
        first = int(np.argmax(unlike))
        raise DataError(
            f"{len(texts.iloc[first])} labels for {len(sequences[first])} residues",
            where=table.at(unlike),
            fix="write one letter for each residue",
        )
    classes = _several(sorted(set("".join(texts)) - set(settings.unknown)), table)
    number = {letter: place for place, letter in enumerate(classes)}
    return [
        np.array([number.get(letter, UNKNOWN) for letter in text], dtype=np.int64) for text in texts
    ], classes


def _several(classes: list[str], table: Table) -> tuple[str, ...]:
    if len(classes) < 2:
        raise DataError(
            f"all labels are of one class: {shorten(classes) or 'none'}",
            where=table.where,
            fix="name the column that tells proteins or residues apart",
        )
    return tuple(classes)


def _cut(
    table: Table, sequences: list[str], labels: Labels, classes: tuple[str, ...], settings: LabelSettings
) -> LabelledProteins:
    room = settings.longest - 2
    longer = sum(len(one) > room for one in sequences)
    if longer:
        warn(f"{settings.path.name}: {longer:,} proteins are cut to their first {room:,} residues")
    shown = tuple(one[:room] for one in sequences)
    rows = table.rows
    tokens = tuple(tokens_of(one, f"{table.where}, row {row}") for one, row in zip(shown, rows, strict=True))
    kept = tuple(one[:room] for one in labels) if isinstance(labels, list) else labels
    return LabelledProteins(settings.kind, shown, tokens, kept, classes, _sets(table, settings))


def _sets(table: Table, settings: LabelSettings) -> NDArray[np.str_] | None:
    if settings.set is None:
        return None
    column = table.column(settings.set).astype(str).str.strip().str.lower()
    wrong = ~column.isin(SETS).to_numpy()
    if wrong.any():
        raise DataError(
            f"{column[wrong].iloc[0]!r} is no set",
            where=table.at(wrong),
            fix=f"column {settings.set!r} says train, validation or test",
        )
    return column.map(SETS).to_numpy(dtype=np.str_)
