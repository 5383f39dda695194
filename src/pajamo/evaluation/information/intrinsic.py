"""Bounds on the information that a data set holds about its sequences, which no model can exceed.

The intrinsic information I_int = I[sequence; recorded] lies between what any model has been shown to predict,
or one replicate predicts of another, and the entropy of what was recorded less that of its known noise.
Source of all bounds: Tareen et al. 2022, Genome Biol. 23:98.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pajamo.errors import DataError
from pajamo.evaluation.information.checking import (
    enough_rows,
    finite_column,
    read_table,
    same_rows,
)
from pajamo.evaluation.information.classes import table_information
from pajamo.evaluation.information.entropies import NEIGHBOURS, blur_repeated, surprise_of_values
from pajamo.evaluation.information.estimate import (
    HALVES,
    Array,
    Indices,
    InformationEstimate,
    from_halves,
    over_halves,
)
from pajamo.evaluation.information.metrics import mean_over_rows
from pajamo.evaluation.information.mutual import information_about_values


def intrinsic_upper_bound(values: ArrayLike, errors: ArrayLike, *, seed: int = 0) -> InformationEstimate:
    """Most that the data can hold: H[y] - mean of 1/2 log2(2 pi e dy²), for normal errors dy.

    It is a bound from above in so far as there is noise that the errors leave out, and the information
    itself if they are complete. Errors that are stated too large make it too small, and so do ratios of
    small counts, which repeat: take them from `log_ratio`.

    Parameters
    ----------
    values: what was measured, y, shape (rows,).
    errors: standard deviation of each, dy, in the same unit, shape (rows,).
    seed: of the blur of repeated values.

    Raises
    ------
    DataError: numbers that are not finite, errors that are not positive, or too few rows.
    """
    column, error = finite_column(values, "what was measured"), finite_column(errors, "the error")
    same_rows(len(column), len(error), "the error")
    wrong = np.flatnonzero(error <= 0)
    if len(wrong):
        raise DataError(
            f"the error of {len(wrong)} rows is not positive",
            where=f"row {wrong[0]}: {error[wrong[0]]}",
            why="a value without error would hold infinitely many bits",
        )
    enough_rows(len(column), NEIGHBOURS)
    noise = 0.5 * np.log2(2 * np.pi * np.e * error**2)
    gained = surprise_of_values(blur_repeated(column, seed), NEIGHBOURS) - noise
    return mean_over_rows(gained, np.ones(len(gained)), 0.0, "H by nearest neighbours - H of normal errors")


def intrinsic_lower_bound(
    first: ArrayLike, second: ArrayLike, *, halves: int = HALVES, seed: int = 0
) -> InformationEstimate:
    """Least that the data hold, from replicates: I[y1; y2] <= I[sequence; y1].

    Whatever two measurements of the same sequences share has come through the sequence, provided that they
    share nothing else: no common library, barcodes or day of growth.

    Parameters
    ----------
    first, second: the replicates, aligned by sequence, shape (rows,).
    halves, seed: as for `information_about_values`.

    Raises
    ------
    DataError: as `information_about_values`.
    """
    return information_about_values(first, second, halves=halves, seed=seed)


def intrinsic_lower_bound_of_reads(
    reads: ArrayLike, *, halves: int = HALVES, seed: int = 0
) -> InformationEstimate:
    """Least that sorted reads hold: the information between the bins of two reads of the same sequence.

    Every pair of reads of a sequence is a pair of replicates; a sequence with n reads counts n - 1 times,
    as much as it has reads beyond the first. Copies of one molecule made by PCR are no replicates, and push
    the number up: compare with reads counted once. The bias is taken out by extrapolation in the number of
    sequences (`information_in_classes`).

    Parameters
    ----------
    reads: shape (rows, bins); rows with fewer than two reads tell nothing.
    halves: halves drawn for the bias and for the error.
    seed: of the halves.

    Raises
    ------
    DataError: counts that are none, or fewer than four rows with two reads.
    """
    table = read_table(reads).astype(np.float64)
    table = table[table.sum(axis=1) > 1]
    if len(table) < 4:
        raise DataError(
            f"{len(table)} sequences were read more than once",
            why="reads of the same sequence stand in for replicates",
            fix="bring counts with their multiplicity",
        )

    def bits(rows: Indices) -> float:
        return float(table_information(_pairs(table[rows])))

    whole = bits(np.arange(len(table)))
    over = over_halves(bits, len(table), halves=halves, seed=seed)
    seen = np.count_nonzero(table.any(axis=0))
    return from_halves(
        2 * whole - float(over.mean()),
        over,
        method="bins of two reads of a sequence, extrapolated",
        observations=int(table.sum()),
        floor=float((seen - 1) / np.sqrt(2) / ((table.sum() - len(table)) * np.log(2))),
    )


def _pairs(table: Array) -> Array:
    """Weighted pairs of reads of the same row, shape (bins, bins), symmetric; a row weighs its reads - 1."""
    depth = table.sum(axis=1)
    ordered = (table / depth[:, None]).T @ table
    return np.asarray(ordered - np.diag((table / depth[:, None]).sum(axis=0)))


def log_ratio(
    selected: ArrayLike, unselected: ArrayLike, *, base: float = 2.0, seed: int = 0
) -> tuple[Array, Array]:
    """Logarithm of a ratio of two counts, one pseudocount each, with its error from counting.

    y = log(s / u) with s and u drawn evenly from +-1/2 around count + 1, and dy² = 1 / (count_s + 1)
    + 1 / (count_u + 1) in natural logarithms, as for the published bound of the GB1 data. Undrawn, small counts
    make the same ratio again and again, the entropy of such a grid is low, and the bound from above is none;
    the draw costs each value 1/12 of a count², far less than the error of counting.

    Parameters
    ----------
    selected, unselected: reads of each sequence after and before selection, shape (rows,).
    base: of the logarithm.
    seed: of the draw within a count.

    Raises
    ------
    DataError: a count is negative or no whole number.
    """
    counts = read_table(np.column_stack([np.asarray(selected), np.asarray(unselected)])) + 1.0
    drawn = counts + np.random.default_rng(seed).random(counts.shape) - 0.5
    values = np.log(drawn[:, 0] / drawn[:, 1]) / np.log(base)
    return values, np.sqrt((1 / counts).sum(axis=1)) / np.log(base)
