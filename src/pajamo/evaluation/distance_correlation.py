"""Dependence between two sets of variables, zero only if they are independent."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import pdist, squareform

from pajamo.data.pseudobulk import Array


def centred_distances(values: Array) -> Array:
    """Doubly centred Euclidean distances between rows; values (rows,) or (rows, variables)."""
    # In place: the matrix is the largest thing that a report computes, and writing it out takes longest.
    distance = _distances(values)
    mean = distance.mean(axis=0)
    distance -= mean[:, None]
    distance -= mean - mean.mean()
    return distance


def _distances(values: Array) -> Array:
    if values.ndim > 1:
        return np.asarray(squareform(pdist(values)), dtype=np.float64)
    distance = np.subtract.outer(values, values)
    return np.asarray(np.abs(distance, out=distance))


def correlation(first: Array, second: Array) -> float:
    """Distance correlation from two matrices of centred distances; 0 if one side does not vary.

    Source: Szekely, Rizzo and Bakirov 2007, Ann. Stat. 35:2769, definition 5.
    """
    product = float(np.vdot(first, first) * np.vdot(second, second))
    if product <= 0:
        return 0.0
    return float(np.sqrt(max(float(np.vdot(first, second)), 0.0) / np.sqrt(product)))
