"""Expression shift: does a mutation at a position raise or lower what is recorded?"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from pajamo.errors import DataError
from pajamo.evaluation.information.estimate import Array
from pajamo.evaluation.information.footprints import MUTATED
from pajamo.evaluation.information.library import Library, recorded_reads, recorded_values


def expression_shift(
    codes: ArrayLike,
    recorded: ArrayLike,
    *,
    alphabet: str,
    wild_type: ArrayLike,
    bin_values: ArrayLike | None = None,
) -> pd.DataFrame:
    """Mean of what was recorded among mutated sequences minus that among those with the wild-type base.

    Mutations in an activator's site lower expression and those in a repressor's site raise it, so that the
    sign of the shift tells what kind of site a footprint shows. Errors are taken over sequences: reads of
    the same one may be copies.

    Sources: Belliveau et al. 2018, PNAS 115:E4796; Ireland et al. 2020, eLife 9:e55308 (expression shift).

    Parameters
    ----------
    codes: index of each base in the alphabet, shape (rows, positions).
    recorded: read counts, shape (rows, bins), or measured values, shape (rows,).
    alphabet: the letters, such as "ACGT".
    wild_type: codes of the wild type, shape (positions,).
    bin_values: expression that each bin stands for, shape (bins,); the number of the bin unless given. NaN leaves
        the reads of a bin out, which is how an unsorted library in the first column is kept from counting.

    Returns
    -------
    One row for each position (from 0) and comparison: `position`, `wild_type`, `comparison` ("mutated", or a
    letter other than the wild type's), `shift` and `standard_error` in the unit recorded, `sequences` with the
    mutation. Without at least two sequences on both sides the figures are NaN.

    Raises
    ------
    DataError: codes outside the alphabet, counts or values that are none, or unequal numbers of rows.
    """
    library = Library.of(codes, alphabet, wild_type)
    weight, total = _recorded(recorded, len(library.codes), bin_values)
    used = weight > 0
    moments = _moments(library.take(np.flatnonzero(used)), weight[used], total[used])
    native = moments[np.arange(library.positions), library.wild_type]
    mutated = moments.sum(axis=1) - native
    sides = np.concatenate([mutated[:, None], moments], axis=1)
    mean, variance = _mean_and_variance(sides)
    base, base_variance = _mean_and_variance(native)
    return _frame(library, mean - base[:, None], np.sqrt(variance + base_variance[:, None]), sides[..., 0])


def _recorded(recorded: ArrayLike, rows: int, bin_values: ArrayLike | None) -> tuple[Array, Array]:
    """Reads of each row and the sum of what they stand for, both of shape (rows,)."""
    if np.ndim(recorded) == 1:
        values = recorded_values(recorded, rows)
        return np.ones(rows), values
    table = recorded_reads(recorded, rows)
    worth = np.arange(table.shape[1]) if bin_values is None else np.asarray(bin_values)
    worth = worth.astype(np.float64)
    if worth.shape != table.shape[1:] or not np.isfinite(worth).any():
        raise DataError(
            f"bin values of shape {worth.shape} do not fit {table.shape[1]} bins",
            why="each bin stands for one expression; NaN leaves it out, but not all of them",
        )
    counted = np.isfinite(worth)
    return table[:, counted].sum(axis=1).astype(np.float64), table[:, counted] @ worth[counted]


def _moments(library: Library, weight: Array, total: Array) -> Array:
    """Sums over the rows with each letter, shape (positions, letters, 6).

    The sums are of 1, w, s, w², w s and s², with w the reads of a row and s what they add up to.
    """
    terms = (np.ones_like(weight), weight, total, weight**2, weight * total, total**2)
    letters = len(library.alphabet)
    sums = np.empty((library.positions, letters, len(terms)))
    for position, codes in enumerate(library.columns):
        for index, term in enumerate(terms):
            sums[position, :, index] = np.bincount(codes, weights=term, minlength=letters)
    return sums


def _mean_and_variance(moments: Array) -> tuple[Array, Array]:
    """Mean over reads, and the variance of that ratio of two sums over rows; NaN below two rows.

    Var = n / (n - 1) sum (s - mean w)² / (sum w)².
    """
    rows, weight, total, squared, product, square = np.moveaxis(moments, -1, 0)
    enough = rows > 1
    blank = np.full(rows.shape, np.nan)
    mean = np.divide(total, weight, out=blank.copy(), where=enough)
    scatter = np.maximum(square - 2 * mean * product + mean**2 * squared, 0.0)
    scale = np.divide(rows, (rows - 1) * weight**2, out=blank, where=enough)
    return mean, scatter * scale


def _frame(library: Library, shift: Array, error: Array, rows: Array) -> pd.DataFrame:
    comparisons = np.array([MUTATED, *library.alphabet])
    native = np.array([library.alphabet[code] for code in library.wild_type])
    table = pd.DataFrame(
        {
            "position": np.repeat(np.arange(library.positions), len(comparisons)),
            "wild_type": np.repeat(native, len(comparisons)),
            "comparison": np.tile(comparisons, library.positions),
            "shift": shift.ravel(),
            "standard_error": error.ravel(),
            "sequences": rows.ravel().astype(np.int64),
        }
    )
    return table[table["comparison"] != table["wild_type"]].reset_index(drop=True)
