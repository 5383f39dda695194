"""Predictions by block, in one thread: a pool need not fit in memory, and the same bits come out anywhere."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

from pajamo.campaigns.features import Features, blocks
from pajamo.campaigns.learners.inputs import whole
from pajamo.campaigns.predictive import Array
from pajamo.errors import DataError

BLOCK = 8192
"""Candidates that are predicted together."""


def one_thread() -> threadpool_limits:
    """Inside of it linear algebra uses one thread: how sums are shared out among threads changes their last bits."""
    return threadpool_limits(1)


def by_block(features: Features, predict: Callable[[Array], Array], *, axis: int = 0) -> Array:
    """What `predict` says of each block of candidates, put together along `axis`.

    Raises
    ------
    DataError: an empty pool, or a feature that is missing, named by row and column.
    """
    number = features.shape[0]
    if number == 0:
        raise DataError(
            "the pool of candidates is empty", where="candidates", fix="give candidates to predict"
        )
    together: Array | None = None
    with one_thread():
        for part, block in blocks(features, BLOCK):
            found = np.asarray(predict(whole(block, "candidates", part.start)))
            if together is None:
                together = np.empty((*found.shape[:axis], number, *found.shape[axis + 1 :]))
            together[(*(slice(None),) * axis, part)] = found
    assert together is not None
    return together
