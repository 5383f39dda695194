"""Means and correlations along rows of which only some entries count."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pajamo.data.pseudobulk import Array

Mask = NDArray[np.bool_]

NOTHING: Final = 1e-9
"""A spread below this, in the unit of the values, is rounding and not a prediction."""


def mean_where(values: Array, counted: Mask) -> Array:
    """Mean of each row's counted entries; NaN where none counts."""
    number = counted.sum(axis=1)
    total = np.where(counted, values, 0.0).sum(axis=1)
    return np.asarray(np.divide(total, number, out=np.full(len(values), np.nan), where=number > 0))


def weighted_mean(values: Array, weights: Array) -> Array:
    """Mean of each row with these weights; NaN where all are zero."""
    total = weights.sum(axis=1)
    return np.asarray(
        np.divide((weights * values).sum(axis=1), total, out=np.full(len(values), np.nan), where=total > 0)
    )


def centred_where(values: Array, counted: Mask) -> Array:
    """Each row minus the mean of its counted entries; 0 where an entry does not count."""
    return np.where(counted, values - mean_where(values, counted)[:, None], 0.0)


def spread_where(values: Array, counted: Mask) -> Array:
    """Standard deviation (divisor n) of each row's counted entries; NaN where none counts."""
    return np.sqrt(mean_where(centred_where(values, counted) ** 2, counted))


def correlation_where(first: Array, second: Array, counted: Mask) -> Array:
    """Pearson correlation of each pair of rows over their counted entries; NaN without spread."""
    one, two = centred_where(first, counted), centred_where(second, counted)
    norm = np.sqrt((one**2).sum(axis=1) * (two**2).sum(axis=1))
    product = (one * two).sum(axis=1)
    return np.asarray(np.divide(product, norm, out=np.full(len(first), np.nan), where=norm > 0))
