"""What a learner is given, checked once: no learner ever sees a failed measurement or half a row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pajamo.campaigns.predictive import Array
from pajamo.errors import DataError

FEWEST = 2
"""Results below which nothing can be learnt of how results vary."""


@dataclass(frozen=True)
class Results:
    """Results to learn from.

    Attributes
    ----------
    features: shape (L, F).
    values: shape (L, D).
    noise: variance of each recorded value, shape (L, D), or None where it is not known.
    """

    features: Array
    values: Array
    noise: Array | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def outputs(self) -> int:
        """Number of recorded outputs, D."""
        return int(self.values.shape[1])


def checked(
    features: ArrayLike, values: ArrayLike, noise: ArrayLike | None = None, *, fewest: int = FEWEST
) -> Results:
    """Results of which every number is there.

    Parameters
    ----------
    features: shape (L, F).
    values: shape (L, D), or (L,) for one output.
    noise: anything that broadcasts to the values.
    fewest: results that are needed.

    Raises
    ------
    DataError: shapes that do not agree, too few results, or a number that is missing, named by row and
        column; a variance that is negative.
    """
    table, recorded = _table(features, "features"), _table(values, "values")
    if len(table) != len(recorded):
        raise DataError(
            f"{len(table):,} rows of features for {len(recorded):,} of values",
            where="results to learn from",
            fix="give one row of each for every result",
        )
    if len(recorded) < fewest:
        raise DataError(
            f"{len(recorded)} results: at least {fewest} are needed to learn from",
            where="results to learn from",
            fix="begin with a batch that needs no model, at random or by coverage",
        )
    return Results(table, recorded, _variances(noise, recorded))


def whole(features: ArrayLike, where: str, first: int = 0) -> Array:
    """Features of which every number is there; `first` is the row of the pool at which they begin.

    Raises
    ------
    DataError: a number that is missing, named by row and column.
    """
    table = np.asarray(features, dtype=float)
    missing = ~np.isfinite(table)
    if missing.any():
        row, column = (int(place[0]) for place in np.nonzero(missing))
        raise DataError(
            f"{where}: row {first + row}, column {column} is {table[row, column]}",
            where=where,
            why="a missing number is no number, and a model would spread it to every prediction",
            fix="leave the row out (a measurement that failed is recorded as failed), or fill the number in",
        )
    return table


def class_numbers(values: Array, classes: int | None = None) -> tuple[np.ndarray, int]:
    """Class numbers (L,) and how many classes there are.

    Raises
    ------
    DataError: more than one column, or something that is no number of a class, named by its row.
    """
    if values.shape[1] != 1:
        raise DataError(f"classes in {values.shape[1]} columns, not in one", where="values")
    found = values[:, 0]
    number = int(found.max()) + 1 if classes is None else classes
    wrong = (found != np.round(found)) | (found < 0) | (found >= number)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise DataError(
            f"row {row} is {found[row]:g}, which is no class",
            where="values",
            why=f"classes are whole numbers from 0 to {number - 1}",
            fix="number the classes, or say that values are recorded and not classes",
        )
    return found.astype(np.intp), number


def _table(given: ArrayLike, what: str) -> Array:
    table = np.asarray(given, dtype=float)
    table = table[:, None] if table.ndim == 1 else table
    if table.ndim != 2:
        raise DataError(f"{what} have {table.ndim} dimensions, not 2", where="results to learn from")
    return whole(table, what)


def _variances(noise: ArrayLike | None, values: Array) -> Array | None:
    if noise is None:
        return None
    given = np.asarray(noise, dtype=float)
    given = given[:, None] if given.ndim == 1 and len(given) == len(values) else given
    try:
        spread = np.array(np.broadcast_to(given, values.shape))
    except ValueError:
        raise DataError(
            f"noise has the shape {np.shape(noise)}, the values {values.shape}", where="results to learn from"
        ) from None
    whole(spread, "noise")
    if (spread < 0).any():
        row, column = (int(place[0]) for place in np.nonzero(spread < 0))
        raise DataError(f"the variance in row {row}, column {column} is negative", where="noise")
    return spread
