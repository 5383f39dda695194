"""Information footprint: at which positions does a mutation tell something about what was recorded?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from pajamo.errors import DataError
from pajamo.evaluation.information.classes import equal_classes, table_information
from pajamo.evaluation.information.estimate import LEVEL, Array, Indices
from pajamo.evaluation.information.library import Codes, Library, recorded_reads, recorded_values

CLASSES = 10
PERMUTATIONS = 100
# What a footprint compares at a position: all letters, wild type against the rest, one letter against the rest.
ANY, MUTATED = "any", "mutated"


def information_footprint(
    codes: ArrayLike,
    recorded: ArrayLike,
    *,
    alphabet: str,
    wild_type: ArrayLike,
    classes: int = CLASSES,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> pd.DataFrame:
    """Information in bits between the base at each position and what was recorded.

    A binding site stands out as a run of positions at which to know the base, or only whether it is mutated,
    tells where the cell was sorted. The plug-in information is above zero by chance alone, more so if
    a sequence was read several times; its mean over random reassignments of what was recorded to the sequences
    (all reads of one together) is subtracted, and their 95 % quantile marks what chance reaches.

    Sources: Kinney et al. 2010, PNAS 107:9158, fig. 2; Belliveau et al. 2018, PNAS 115:E4796, equation 1
    (mutated or not); Ireland et al. 2020, eLife 9:e55308.

    Parameters
    ----------
    codes: index of each base in the alphabet, shape (rows, positions).
    recorded: read counts, shape (rows, bins), or measured values, shape (rows,), which are sorted into classes of
        equal size.
    alphabet: the letters, such as "ACGT".
    wild_type: codes of the wild type, shape (positions,).
    classes: how many classes of values.
    permutations: random reassignments.
    seed: of these, and of the order of tied values.

    Returns
    -------
    One row for each position (from 0) and comparison: `position`, `wild_type`, `comparison` ("any" letter,
    "mutated" or not, or one letter against the others), `bits`, `standard_error`, `chance` (the 95 % quantile of
    `bits` under reassignment). Where a comparison has only one side the figures are NaN.

    Raises
    ------
    DataError: codes outside the alphabet, counts or values that are none, or unequal numbers of rows.
    """
    library = Library.of(codes, alphabet, wild_type)
    entries = _Entries.of(recorded, len(library.codes), classes, seed)
    tables = _compared(_letter_tables(library, entries, entries.row), library.wild_type)
    bits = table_information(tables)
    chance = _by_chance(library, entries, permutations, seed)
    bias = chance.mean(axis=0)
    limit = np.quantile(chance, LEVEL, axis=0) - bias
    varied = (tables.sum(axis=-1) > 0).sum(axis=-1) > 1
    figures = [np.where(varied, x, np.nan) for x in (bits - bias, _error(tables, bits, entries), limit)]
    return _frame(library, figures)


@dataclass(frozen=True)
class _Entries:
    """The filled cells of rows by bins: row, bin and number of reads of each, shape (entries,)."""

    row: Indices
    bin_number: Indices
    reads: Array
    bins: int
    independent: float

    @classmethod
    def of(cls, recorded: ArrayLike, rows: int, classes: int, seed: int) -> _Entries:
        """Take counts as they are and values by classes.

        The reads of a row may all be copies of one: they count as (sum n)² / sum n² independent reads (Kish).
        """
        if np.ndim(recorded) == 2:
            table = recorded_reads(recorded, rows)
            row, column = np.nonzero(table)
            depth = table.sum(axis=1).astype(np.float64)
            independent = float(depth.sum() ** 2 / (depth @ depth))
            return cls(row, column, table[row, column].astype(np.float64), table.shape[1], independent)
        values = recorded_values(recorded, rows)
        if not 2 <= classes <= rows:
            raise DataError(f"{rows} values cannot be sorted into {classes} classes")
        return cls(np.arange(rows), equal_classes(values, classes, seed), np.ones(rows), classes, float(rows))


def _letter_tables(library: Library, entries: _Entries, rows: Indices) -> Array:
    """Reads by letter and bin at each position, shape (positions, letters, bins).

    Parameters
    ----------
    library: the sequences.
    entries: what was recorded.
    rows: the sequence that each entry is assigned to, shape (entries,).
    """
    letters, bins = len(library.alphabet), entries.bins
    counts = np.empty((library.positions, letters * bins))
    for position, codes in enumerate(library.columns):
        cell = codes[rows].astype(np.intp) * bins + entries.bin_number
        counts[position] = np.bincount(cell, weights=entries.reads, minlength=letters * bins)
    return counts.reshape(library.positions, letters, bins)


def _compared(tables: Array, wild_type: Codes) -> Array:
    """Tables of every comparison, padded with empty letters, shape (positions, comparisons, letters, bins)."""
    positions, letters, bins = tables.shape
    whole = tables.sum(axis=1)
    native = tables[np.arange(positions), wild_type]
    compared = np.zeros((positions, letters + 2, max(letters, 2), bins))
    compared[:, 0, :letters] = tables
    compared[:, 1, 0], compared[:, 1, 1] = native, whole - native
    compared[:, 2:, 0], compared[:, 2:, 1] = tables, whole[:, None] - tables
    return compared


def _by_chance(library: Library, entries: _Entries, permutations: int, seed: int) -> Array:
    """Plug-in information under reassignment, shape (permutations, positions, comparisons)."""
    if permutations < 2:
        raise DataError(f"{permutations} permutations show no chance", fix="ask for two or more")
    rng = np.random.default_rng(seed)
    drawn = (rng.permutation(len(library.codes))[entries.row] for _ in range(permutations))
    return np.stack(
        [
            table_information(_compared(_letter_tables(library, entries, rows), library.wild_type))
            for rows in drawn
        ]
    )


def _error(tables: Array, bits: Array, entries: _Entries) -> Array:
    """Standard error of the plug-in information: the scatter of log2 (p / (p_row p_column)) over reads.

    The second term is what is left of it for independent variables.
    """
    total = tables.sum(axis=(-2, -1), keepdims=True)
    expected = tables.sum(axis=-1, keepdims=True) * tables.sum(axis=-2, keepdims=True)
    log_ratio = np.log2(np.divide(tables * total, expected, out=np.ones_like(tables), where=tables > 0))
    scatter = (tables / total * (log_ratio - bits[..., None, None]) ** 2).sum(axis=(-2, -1))
    sides = [(tables.sum(axis=axis) > 0).sum(axis=-1) - 1 for axis in (-1, -2)]
    left = sides[0] * sides[1] / (2 * (entries.independent * np.log(2)) ** 2)
    return np.asarray(np.sqrt(scatter / entries.independent + left))


def _frame(library: Library, figures: list[Array]) -> pd.DataFrame:
    comparisons = [ANY, MUTATED, *library.alphabet]
    native = [library.alphabet[code] for code in library.wild_type]
    bits, error, chance = (figure.ravel() for figure in figures)
    return pd.DataFrame(
        {
            "position": np.repeat(np.arange(library.positions), len(comparisons)),
            "wild_type": np.repeat(native, len(comparisons)),
            "comparison": comparisons * library.positions,
            "bits": bits,
            "standard_error": error,
            "chance": chance,
        }
    )
