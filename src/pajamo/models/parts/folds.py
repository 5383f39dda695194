"""Folds of training combinations for inner cross-validation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pajamo.data.conditions import Condition


def fold_of(conditions: Sequence[Condition], folds: int, seed: int) -> NDArray[np.intp]:
    """Fold of each condition; a set of genes stays in one fold over contexts and times.

    Returns fewer folds where there are fewer sets of genes; shape (conditions,).
    """
    names = sorted({condition.genes for condition in conditions})
    shuffled = np.random.default_rng(seed).permutation(len(names)) % max(min(folds, len(names)), 1)
    fold = dict(zip(names, shuffled, strict=True))
    return np.array([fold[condition.genes] for condition in conditions], dtype=np.intp)
