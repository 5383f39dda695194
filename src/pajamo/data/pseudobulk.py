"""Means and variances of each condition, gathered in one pass over the cells.

Each condition's cells are divided at random into two halves. For controls the first half serves
the predictor and the second half the truth, because a control sample that both share inflates
every correlation of differences (no change at all would score a Pearson correlation of
n_perturbed / (n_perturbed + n_control)). For perturbations, half against half is the technical
duplicate: the ceiling that a model can reach.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.screen import Screen

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """Number of cells, mean and variance between cells, of one or more groups of cells.

    Attributes
    ----------
    n_cells: shape (groups,).
    mean: mean of ln(1 + CP10K), shape (groups, genes); NaN for a group without cells.
    variance: variance between cells (divisor n - 1), shape (groups, genes); NaN below two cells.
    """

    n_cells: NDArray[np.int64]
    mean: Array
    variance: Array

    @property
    def variance_of_mean(self) -> Array:
        """Squared standard error of the mean, shape (groups, genes)."""
        return self.variance / np.maximum(self.n_cells, 1)[:, None]

    def __getitem__(self, groups: NDArray[np.intp] | Sequence[int] | slice) -> Moments:
        return Moments(self.n_cells[groups], self.mean[groups], self.variance[groups])


@dataclass(frozen=True)
class Pseudobulk:
    """A screen summarised by condition and half.

    Attributes
    ----------
    genes: measured genes.
    conditions: controls included.
    halves: moments of the first and of the second random half of each condition's cells.
    """

    genes: pd.Index
    conditions: tuple[Condition, ...]
    halves: tuple[Moments, Moments]

    @property
    def whole(self) -> Moments:
        """Moments of all cells of each condition."""
        return merge(*self.halves)

    def index(self, conditions: Sequence[Condition]) -> NDArray[np.intp]:
        """Positions of the given conditions."""
        position = {condition: i for i, condition in enumerate(self.conditions)}
        return np.array([position[condition] for condition in conditions], dtype=np.intp)


def merge(first: Moments, second: Moments) -> Moments:
    """Combine the moments of two disjoint sets of cells (Chan, Golub and LeVeque 1983, eq. 2.1)."""
    n1, n2 = first.n_cells[:, None], second.n_cells[:, None]
    total = n1 + n2
    gap = np.nan_to_num(second.mean) - np.nan_to_num(first.mean)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (n1 * np.nan_to_num(first.mean) + n2 * np.nan_to_num(second.mean)) / total
        squares = (
            np.maximum(n1 - 1, 0) * np.nan_to_num(first.variance)
            + np.maximum(n2 - 1, 0) * np.nan_to_num(second.variance)
            + gap**2 * n1 * n2 / total
        )
        variance = squares / (total - 1)
    variance[np.broadcast_to(total < 2, variance.shape)] = np.nan
    return Moments(first.n_cells + second.n_cells, mean, variance)


def random_halves(condition_of: NDArray[np.intp], n_conditions: int, seed: int) -> NDArray[np.int8]:
    """Assign each cell to half 0 or 1, balanced within its condition; half 0 gets the odd cell."""
    order = np.random.default_rng(seed).permutation(len(condition_of))
    half = np.empty(len(condition_of), dtype=np.int8)
    groups = condition_of[order]
    arranged = np.argsort(groups, kind="stable")
    sizes = np.bincount(groups, minlength=n_conditions)
    starts = np.cumsum(sizes) - sizes
    rank = np.arange(len(order)) - np.repeat(starts, sizes)
    half[order[arranged]] = (rank % 2).astype(np.int8)
    return half


def pseudobulk(screen: Screen, seed: int = 0) -> Pseudobulk:
    """Summarise a screen by condition and random half, streaming over its cells.

    The matrix is read once, block by block: memory holds one block and the summaries.
    """
    groups = len(screen.conditions)
    half = random_halves(screen.condition_of, groups, seed)
    label = screen.condition_of * 2 + half
    sums, squares = np.zeros((2 * groups, len(screen.genes))), np.zeros((2 * groups, len(screen.genes)))
    for start, block in screen.log_normalised_blocks():
        add_block(sums, squares, block, label[start : start + block.shape[0]])
    counts = np.bincount(label, minlength=2 * groups)
    first, second = (_moments(counts[k::2], sums[k::2], squares[k::2]) for k in (0, 1))
    return Pseudobulk(screen.genes, screen.conditions, (first, second))


def add_block(sums: Array, squares: Array, block: sp.csr_matrix, label: NDArray[np.integer]) -> None:
    """Add the block's values and squared values to the rows of `sums` and `squares` named by `label`."""
    groups, where = np.unique(label, return_inverse=True)
    indicator = sp.csr_matrix((np.ones(len(label)), (where, np.arange(len(label)))))
    sums[groups] += (indicator @ block).toarray()
    squares[groups] += (indicator @ block.multiply(block)).toarray()


def _moments(counts: NDArray[np.int64], sums: Array, squares: Array) -> Moments:
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = sums / counts[:, None]
        variance = (squares - counts[:, None] * mean**2) / (counts[:, None] - 1)
    variance[counts < 2] = np.nan
    return Moments(counts, mean, np.maximum(variance, 0.0, where=np.isfinite(variance), out=variance))
