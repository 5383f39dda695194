"""A second estimate of the information about reads: classes of the prediction, extrapolated to no bias."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pajamo.errors import DataError
from pajamo.evaluation.information.checking import enough_rows, finite_column, read_table, same_rows
from pajamo.evaluation.information.estimate import (
    HALVES,
    Array,
    Indices,
    InformationEstimate,
    from_halves,
    over_halves,
)
from pajamo.evaluation.information.order import ranks


def information_in_classes(
    prediction: ArrayLike,
    reads: ArrayLike,
    *,
    classes: int | None = None,
    halves: int = HALVES,
    seed: int = 0,
) -> InformationEstimate:
    """Information between classes of the prediction and the bin, to check `information_about_reads` by.

    Rows are sorted into classes of equal size by their predictions. The plug-in information of the table of
    classes by bins is too large by about (classes - 1)(bins - 1) / (2 N) nats, and more when the reads of a row
    fall together; as any such bias doubles when the data are halved, 2 I(all) - mean I(halves) is free of
    it. What lies between the classes is lost, and so the number is a lower bound but for its error.

    Source: Strong et al. 1998, Phys. Rev. Lett. 80:197 (extrapolation in the size of the data).

    Parameters
    ----------
    prediction: one number a row, shape (rows,).
    reads: number of reads of each row in each bin, shape (rows, bins).
    classes: how many classes; twice the cube root of the number of rows unless given.
    halves: halves drawn for the bias and for the error.
    seed: of the halves and of the order of ties.

    Raises
    ------
    DataError: predictions that are not finite, counts that are none, fewer than two classes, or too few rows.
    """
    column, table = finite_column(prediction, "the prediction"), read_table(reads)
    same_rows(len(column), len(table), "the table of read counts")
    column, table = column[table.any(axis=1)], table[table.any(axis=1)]
    number = classes or round(2 * len(column) ** (1 / 3))
    if number < 2:
        raise DataError(f"{number} classes hold no information", fix="ask for two or more")
    enough_rows(len(column), number)
    of_row = equal_classes(column, number, seed)

    def bits(rows: Indices) -> float:
        return float(table_information(class_by_bin(of_row[rows], table[rows], number)))

    whole = bits(np.arange(len(column)))
    over = over_halves(bits, len(column), halves=halves, seed=seed)
    freedom = (number - 1) * (np.count_nonzero(table.any(axis=0)) - 1)
    return from_halves(
        2 * whole - float(over.mean()),
        over,
        method=f"{number} classes, extrapolated",
        observations=int(table.sum()),
        floor=float(np.sqrt(freedom / 2) / (table.sum() * np.log(2))),
    )


def equal_classes(values: Array, number: int, seed: int) -> Indices:
    """Class of each value from 0, all classes of the same size to within one, shape (rows,)."""
    return np.asarray(ranks(values, seed) * number // len(values))


def class_by_bin(of_row: Indices, reads: ArrayLike, number: int) -> Array:
    """Reads of each class in each bin, shape (classes, bins)."""
    table = np.asarray(reads, dtype=np.float64)
    counts = np.zeros((number, table.shape[1]))
    np.add.at(counts, of_row, table)
    return counts


def table_information(counts: Array) -> Array:
    """Plug-in information in bits of tables of counts, shape (..., rows, columns) to shape (...).

    I = sum n / N log2 (n N / (n_row n_column)).
    """
    total = counts.sum(axis=(-2, -1), keepdims=True)
    expected = counts.sum(axis=-1, keepdims=True) * counts.sum(axis=-2, keepdims=True)
    ratio = np.divide(counts * total, expected, out=np.ones_like(counts), where=counts > 0)
    return np.asarray((counts * np.log2(ratio)).sum(axis=(-2, -1)) / total[..., 0, 0])
