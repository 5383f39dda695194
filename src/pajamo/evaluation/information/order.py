"""Order of values with ties broken, and the normal scores of that order."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from pajamo.evaluation.information.estimate import Array, Indices


def ranks(values: Array, seed: int) -> Indices:
    """Rank of each value from 0, ties in a random order that `seed` fixes; shape (rows,).

    Information is the same for every monotone map of a variable, so that its order is all that an
    estimate needs. Ties in row order would turn an ordered file into information.
    """
    shuffled = np.random.default_rng(seed).permutation(len(values))
    order = np.lexsort((shuffled, values))
    placed = np.empty(len(values), dtype=np.intp)
    placed[order] = np.arange(len(values))
    return placed


def normal_scores(order: Indices) -> Array:
    """Normal quantiles of ranks without ties, shape (rows,); the ranks may have gaps.

    Nearest neighbours need a distance: normal scores make it independent of the unit and of the shape of a
    distribution, and no two of their gaps on one side of the median are equal.
    """
    placed = np.empty(len(order), dtype=np.float64)
    placed[np.argsort(order)] = ndtri((np.arange(len(order)) + 0.5) / len(order))
    return placed
