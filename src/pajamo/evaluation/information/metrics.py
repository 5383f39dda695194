"""The two informations by which a model of sequences is judged: variational and predictive, in bits."""

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
from pajamo.evaluation.information.entropies import (
    NEIGHBOURS,
    blur_repeated,
    miller_madow,
    surprise_of_values,
)
from pajamo.evaluation.information.estimate import HALVES, Array, InformationEstimate
from pajamo.evaluation.information.mutual import information_about_reads, information_about_values


def predictive_information(
    prediction: ArrayLike, recorded: ArrayLike, *, halves: int = HALVES, seed: int = 0
) -> InformationEstimate:
    """I_pred: what the prediction tells about what was recorded, whatever the measurement makes of it.

    Source: Tareen et al. 2022, Genome Biol. 23:98.

    Parameters
    ----------
    prediction: one number a row, shape (rows,).
    recorded: read counts, shape (rows, bins), or measured values, shape (rows,).
    halves, seed: as for `information_about_reads`.

    Raises
    ------
    DataError: as `information_about_reads` and `information_about_values`.
    """
    estimate = information_about_reads if _are_reads(recorded) else information_about_values
    return estimate(prediction, recorded, halves=halves, seed=seed)


def variational_information(nll: ArrayLike, recorded: ArrayLike, *, seed: int = 0) -> InformationEstimate:
    """I_var = H[recorded] - log2(e) nll: what the model as a whole, its noise included, tells.

    It is a lower bound on the predictive information (the difference is how wrong the model's noise is),
    and reaches it when the measurement is described exactly. Entropy and likelihood are averaged over the same
    rows; their errors are taken together, row by row, which is smaller than the sum of both.

    Source: Tareen et al. 2022, Genome Biol. 23:98; H of reads by Miller-Madow, of values by seven neighbours.

    Parameters
    ----------
    nll: minus ln of the probability (density) that the model gives to what was recorded, nats per read,
        the mean over the reads of a row; shape (rows,). No constants that count the ways to order reads.
    recorded: read counts, shape (rows, bins), or measured values, shape (rows,), in the unit of the density.
    seed: of the blur of repeated values.

    Raises
    ------
    DataError: numbers that are not finite, columns of different length, or too few rows.
    """
    loss = _bits_of_loss(nll, recorded)
    if _are_reads(recorded):
        return _of_reads(loss, np.asarray(recorded))
    values = finite_column(recorded, "what was measured")
    enough_rows(len(values), NEIGHBOURS)
    gained = surprise_of_values(blur_repeated(values, seed), NEIGHBOURS) - loss
    return mean_over_rows(gained, np.ones(len(gained)), 0.0, "H by nearest neighbours - likelihood")


def _bits_of_loss(nll: ArrayLike, recorded: ArrayLike) -> Array:
    """Loss of each row in bits per read; rows without reads, whose loss may be undefined, count nothing."""
    loss = np.asarray(nll, dtype=np.float64)
    same_rows(len(loss), len(np.asarray(recorded)), "what was recorded")
    if _are_reads(recorded):
        loss = np.where(np.asarray(recorded).any(axis=1), loss, 0.0)
    return np.asarray(finite_column(loss, "the likelihood") / np.log(2))


def _of_reads(loss: Array, recorded: ArrayLike) -> InformationEstimate:
    table = read_table(recorded)
    table, loss = table[table.any(axis=1)], loss[table.any(axis=1)]
    enough_rows(len(loss), 1)
    depth, bins = table.sum(axis=1), table.sum(axis=0)
    seen = bins > 0
    surprise = -np.log2(bins[seen] / bins.sum())
    gained = table[:, seen] @ surprise / depth - loss
    bias = miller_madow(int(seen.sum()), float(bins.sum()))
    return mean_over_rows(gained, depth.astype(np.float64), bias, "H by Miller-Madow - likelihood")


def mean_over_rows(share: Array, weight: Array, added: float, method: str) -> InformationEstimate:
    """Weighted mean of what each row contributes, with the error of a ratio of two means over rows.

    The share of a row in an entropy may be taken as its surprise -log2 p: that p itself was estimated from
    the same rows changes the error only in the second order.

    Parameters
    ----------
    share: bits per read of each row, shape (rows,).
    weight: reads of each row, shape (rows,).
    added: a correction of bias.
    method: the estimator, in words.
    """
    total, rows = weight.sum(), len(share)
    mean = float(share @ weight / total)
    scatter = float(((weight * (share - mean)) ** 2).sum()) * rows / (rows - 1)
    error = float(np.sqrt(scatter) / total)
    return InformationEstimate.of(
        mean + added, error, freedom=rows - 1, method=method, observations=int(total)
    )


def _are_reads(recorded: ArrayLike) -> bool:
    """Tell a table of read counts from a column of measured values.

    Raises
    ------
    DataError: it is neither.
    """
    dimensions = np.ndim(recorded)
    if dimensions not in (1, 2):
        raise DataError(
            f"what was recorded has {dimensions} dimensions",
            fix="give counts of rows by bins, or one value a row",
        )
    return dimensions == 2
