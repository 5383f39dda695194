"""Which of several measured changes is a predicted one most like?"""

from __future__ import annotations

import numpy as np

from pajamo.data.pseudobulk import Array
from pajamo.evaluation.masked import NOTHING

DIGITS = 10
"""Similarities that agree to this many decimals are ties, whatever the order of summation."""


def cosine_similarity(first: Array, second: Array) -> Array:
    """Cosine between each row of the first and each of the second; 0 with a row that is zero."""
    return np.asarray(_unit(first) @ _unit(second).T)


def normalised_rank(similarity: Array) -> Array:
    """1 - (number more similar than the true one) / (n - 1), ties counting one half; shape (n,).

    Parameters
    ----------
    similarity: predicted (rows) to measured (columns), shape (n, n), the true ones on the diagonal.

    Returns
    -------
    1 where the true condition is the most similar, 0 where it is the least; its mean is exactly
    one half for predictions that are all the same. NaN if there is only one condition.
    """
    n = len(similarity)
    rounded = np.round(similarity, DIGITS)
    true = np.diag(rounded)[:, None]
    ahead = (rounded > true).sum(axis=1) + 0.5 * ((rounded == true).sum(axis=1) - 1)
    return np.asarray(1.0 - ahead / (n - 1)) if n > 1 else np.full(n, np.nan)


def _unit(rows: Array) -> Array:
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.divide(rows, norm, out=np.zeros_like(rows), where=norm > NOTHING))
