"""Information in bits that a prediction holds about what was recorded: reads in bins, or measured values."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import cKDTree
from scipy.special import digamma

from pajamo.evaluation.information.checking import enough_rows, finite_column, read_table, same_rows
from pajamo.evaluation.information.estimate import (
    HALVES,
    Array,
    Indices,
    InformationEstimate,
    from_halves,
    over_halves,
)
from pajamo.evaluation.information.mixed_neighbours import OrderedReads
from pajamo.evaluation.information.order import normal_scores, ranks

NEIGHBOURS = 5
# Normal scores lie within +-8 and differ by more than 1e-9: this is far below their gaps, far above rounding.
ROUNDING = 1e-14


def information_about_reads(
    prediction: ArrayLike,
    reads: ArrayLike,
    *,
    neighbours: int = NEIGHBOURS,
    halves: int = HALVES,
    seed: int = 0,
) -> InformationEstimate:
    """Information between the prediction for a sequence and the bin in which it is read.

    The nearest-neighbour estimator of Ross for one continuous and one discrete variable, on the order of
    the predictions alone, so that any monotone map of them gives the same number. Every read counts, but a
    read's neighbours are sought in other rows: reads of the same sequence that fall together (copies made
    by PCR, for one) would otherwise tell what the sequence is, not what the prediction says. Where they do fall
    together, beyond what the prediction explains, the number is slightly too low (0.02 bits at four reads a
    row and no information). Halves of rows, not of reads, give the error.

    Sources: Ross 2014, PLoS ONE 9:e87357; k = 5 as MAVE-NN (Tareen et al. 2022, Genome Biol. 23:98).

    Parameters
    ----------
    prediction: one number a row, such as phi or the rate of transcription, shape (rows,).
    reads: number of reads of each row in each bin, shape (rows, bins). Rows without reads do not count.
    neighbours: k.
    halves: halves drawn for the error.
    seed: of the halves and of the order of ties.

    Raises
    ------
    DataError: predictions that are not finite, counts that are none, or too few rows.
    """
    column, table = finite_column(prediction, "the prediction"), read_table(reads)
    same_rows(len(column), len(table), "the table of read counts")
    column, table = column[table.any(axis=1)], table[table.any(axis=1)]
    enough_rows(len(column), neighbours)
    order = ranks(column, seed)

    def bits(rows: Indices) -> float:
        shares = OrderedReads.of(order[rows], table[rows], seed).shares(neighbours)
        return float(shares.mean() / np.log(2))

    over = over_halves(bits, len(column), halves=halves, seed=seed)
    method = f"Ross nearest neighbours, k = {neighbours}"
    return from_halves(bits(np.arange(len(column))), over, method=method, observations=int(table.sum()))


def information_about_values(
    prediction: ArrayLike,
    values: ArrayLike,
    *,
    neighbours: int = NEIGHBOURS,
    halves: int = HALVES,
    seed: int = 0,
) -> InformationEstimate:
    """Information between the prediction for a sequence and the value measured for it.

    The first estimator of Kraskov, Stögbauer and Grassberger, on the normal scores of both: no monotone map
    of either changes the number. It is unbiased for independent variables and falls short for
    strong ones, at rank correlations above about 0.99.

    Source: Kraskov et al. 2004, Phys. Rev. E 69:066138, equation 8; k = 5 as MAVE-NN.

    Parameters
    ----------
    prediction: one number a row, shape (rows,).
    values: what was measured, shape (rows,).
    neighbours: k.
    halves: halves drawn for the error.
    seed: of the halves and of the order of ties.

    Raises
    ------
    DataError: numbers that are not finite, columns of different length, or too few rows.
    """
    first, second = finite_column(prediction, "the prediction"), finite_column(values, "what was measured")
    same_rows(len(first), len(second), "what was measured")
    enough_rows(len(first), neighbours)
    # Different orders of ties: two columns that are both constant would otherwise agree.
    orders = ranks(first, seed), ranks(second, seed + 1)

    def bits(rows: Indices) -> float:
        return _kraskov(normal_scores(orders[0][rows]), normal_scores(orders[1][rows]), neighbours)

    over = over_halves(bits, len(first), halves=halves, seed=seed)
    method = f"Kraskov-Stögbauer-Grassberger 1, k = {neighbours}"
    return from_halves(bits(np.arange(len(first))), over, method=method, observations=len(first))


def _kraskov(first: Array, second: Array, neighbours: int) -> float:
    """Information in bits: psi(k) + psi(N) - mean [psi(n_x + 1) + psi(n_y + 1)] nats."""
    both = np.column_stack([first, second])
    # Beyond the k nearest the point itself is found too; chebyshev is the norm with p = infinity.
    reach = np.asarray(cKDTree(both).query(both, k=[neighbours + 1], p=np.inf)[0]).ravel()
    near = digamma(_nearer(first, reach)) + digamma(_nearer(second, reach))
    return float((digamma(neighbours) + digamma(len(first)) - near.mean()) / np.log(2))


def _nearer(scores: Array, reach: Array) -> Indices:
    """Count the scores strictly nearer than `reach` to each, the score itself included."""
    ordered = np.sort(scores)
    above = np.searchsorted(ordered, scores + reach - ROUNDING, side="left")
    below = np.searchsorted(ordered, scores - reach + ROUNDING, side="right")
    return np.asarray(above - below)
