"""Is a held-out cell in training under another name? Found by a hash of what was recorded of it."""

from __future__ import annotations

from typing import Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from pajamo.data.screen import Screen
from pajamo.data.splits.split import Split
from pajamo.errors import SplitError, shorten

FEWEST_GENES: Final = 20
"""Expressed genes below which two cells may agree by chance; such cells are not compared."""

Hashes = NDArray[np.uint64]


def cell_hashes(screen: Screen) -> Hashes:
    """A 64-bit hash of each cell's recorded values, shape (cells,); 0 for cells with too few expressed genes.

    Equal cells have equal hashes, whatever they are called. The values are read once, block by block.
    """
    return np.concatenate([_hashed(block) for _, block in screen.matrix.blocks()])


def check_cells(split: Split, screen: Screen) -> None:
    """Check that no held-out cell is also a training cell, or a control, of the same fold.

    Conditions on different sides of a split may still share cells: a table joined twice, cells relabelled, a
    data set that is a copy of a part of another. What was seen is then not predicted but remembered.

    Raises
    ------
    SplitError: a cell is on both sides of a fold. The conditions are named.
    """
    hashes = cell_hashes(screen)
    repeated = _repeated_in_conditions(hashes, screen.condition_of)
    if not len(repeated):
        return
    rows = np.flatnonzero(np.isin(hashes, repeated))
    position = {condition: i for i, condition in enumerate(screen.conditions)}
    controls = {i for i, condition in enumerate(screen.conditions) if condition.is_control}
    for fold in split.folds:
        test = {position[c] for c in fold.test if c in position}
        train = controls | {position[c] for c in fold.train if c in position}
        sides = [rows[np.isin(screen.condition_of[rows], sorted(side))] for side in (test, train)]
        both = np.intersect1d(hashes[sides[0]], hashes[sides[1]])
        if len(both):
            _refuse(fold.name, sides, hashes, both, screen)


def _refuse(fold: str, sides: list[NDArray[np.intp]], hashes: Hashes, both: Hashes, screen: Screen) -> None:
    held, seen = (
        sorted(
            {str(screen.conditions[screen.condition_of[row]]) for row in side[np.isin(hashes[side], both)]}
        )
        for side in sides
    )
    raise SplitError(
        f"fold {fold} leaks: {len(both)} held-out cells are in training as well",
        where=f"held out as {shorten(held, 4)}; in training as {shorten(seen, 4)}",
        why="their recorded values are equal in every gene, so a model has seen what it is to predict",
        fix="remove the copies from the data; cells of two labels belong to one of them",
    )


def _repeated_in_conditions(hashes: Hashes, condition_of: NDArray[np.intp]) -> Hashes:
    """Hashes that occur in more than one condition."""
    pairs = np.unique(np.stack([hashes, condition_of.astype(np.uint64)], axis=1)[hashes != 0], axis=0)
    values, times = np.unique(pairs[:, 0], return_counts=True)
    return np.asarray(values[times > 1])


def _hashed(block: sp.csr_matrix) -> Hashes:
    """Sum over genes of a mixed (gene, value): it does not depend on the order in which values are stored."""
    stored = sp.csr_matrix(block, dtype=np.float64, copy=True)
    stored.eliminate_zeros()
    genes = _mixed(stored.indices.astype(np.uint64))
    words = np.zeros(stored.nnz + 1, dtype=np.uint64)
    np.cumsum(_mixed(genes ^ stored.data.view(np.uint64)), out=words[1:])
    sums = words[stored.indptr[1:]] - words[stored.indptr[:-1]]
    return np.where(np.diff(stored.indptr) >= FEWEST_GENES, np.maximum(sums, 1), 0).astype(np.uint64)


def _mixed(words: Hashes) -> Hashes:
    """The finaliser of SplitMix64 (Steele, Lea and Flood 2014, OOPSLA)."""
    mixed = words + np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))
