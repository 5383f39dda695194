"""Which sites an epoch takes: all that were found, and some of the many that were not, anew each time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pajamo.training.transfer.sites import Places, Sites

Array = NDArray[np.float64]


def drawn_counts(sites: Sites, negatives: int, tables: int) -> tuple[Places, Array]:
    """Sites that were not found that an epoch takes of each table, and ln of their share, each shape (tables,).

    Where all are taken the logarithm is 0.
    """
    found = np.bincount(sites.table[sites.label > 0], minlength=tables)
    others = np.bincount(sites.table[sites.label == 0], minlength=tables)
    taken = np.minimum(others, np.maximum(negatives * found, negatives))
    return taken, np.log(np.maximum(taken, 1) / np.maximum(others, 1))


def epoch_order(sites: Sites, taken: Places, rng: np.random.Generator) -> Places:
    """Places of the sites of one epoch, in random order."""
    chosen = [np.flatnonzero(sites.label > 0)]
    for table, count in enumerate(taken):
        others = np.flatnonzero((sites.label == 0) & (sites.table == table))
        chosen.append(others if count == len(others) else rng.choice(others, size=count, replace=False))
    return rng.permutation(np.concatenate(chosen))
