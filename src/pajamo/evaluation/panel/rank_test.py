"""Wilcoxon's rank-sum test of many groups of cells against the same controls, on sparse values."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import erfc

from pajamo.data.pseudobulk import Array


class RankTest:
    """Controls sorted once, gene by gene; each group of cells is then placed among them.

    Zeros, which are most values, are counted and never sorted. A positive float32 has the order of its bits
    read as an integer, so that gene and value make one key and all genes are sorted at once.

    Source: Mann and Whitney 1947, Ann. Math. Stat. 18:50; normal approximation with mid-ranks, tie correction
    and continuity correction 1/2, as pdex (the test of cell-eval2) does.
    """

    def __init__(self, controls: sp.csr_matrix) -> None:
        """Sort the controls: values of zero or above, shape (cells, genes)."""
        self.n_cells, self.n_genes = controls.shape
        distinct, times = np.unique(_keys(controls), return_counts=True)
        stored = _by_gene(distinct, times.astype(float), self.n_genes)
        self._zeros = self.n_cells - stored
        self._cubes = _by_gene(distinct, times.astype(float) ** 3, self.n_genes)
        # One more of each, so that a place beyond the last value can be looked up like any other.
        self._distinct = np.append(distinct, np.iinfo(np.int64).max)
        self._times = np.append(times, 0)
        self._lower = np.append(0, np.cumsum(times))
        self._start = np.cumsum(stored) - stored

    def p_values(self, cells: sp.csr_matrix) -> Array:
        """Two-sided p-value of each gene, shape (genes,); 1 where all values are equal."""
        n1, n2 = int(cells.shape[0]), self.n_cells
        keys, times = np.unique(_keys(cells), return_counts=True)
        of = keys >> 32
        place, number = np.searchsorted(self._distinct, keys), times.astype(float)
        equal = np.where(self._distinct[place] == keys, self._times[place], 0).astype(float)
        below = self._zeros[of] + self._lower[place] - self._start[of]
        zeros = n1 - np.bincount(of, weights=number, minlength=self.n_genes)
        wins = _by_gene(keys, number * (below + equal / 2), self.n_genes) + zeros * self._zeros / 2
        cubes = _by_gene(keys, (number + equal) ** 3 - equal**3, self.n_genes)
        return _two_sided(wins, self._cubes + cubes + (zeros + self._zeros) ** 3, n1, n2)


def _keys(values: sp.csr_matrix) -> NDArray[np.int64]:
    bits = values.data.astype(np.float32).view(np.int32).astype(np.int64)
    positive = bits > 0
    return np.asarray((values.indices.astype(np.int64) << 32 | bits)[positive])


def _by_gene(keys: NDArray[np.int64], weights: Array, n_genes: int) -> Array:
    return np.asarray(np.bincount(keys >> 32, weights=weights, minlength=n_genes), dtype=float)


def _two_sided(wins: Array, cubes: Array, n1: int, n2: int) -> Array:
    """From U and the sum of t³ over groups of t tied values."""
    n = n1 + n2
    variance = n1 * n2 / 12 * ((n + 1) - (cubes - n) / (n * (n - 1)))
    # Rounding leaves a little where all values of a gene are tied.
    varied = variance > 1e-9 * n1 * n2 * n
    distance = np.abs(wins - n1 * n2 / 2) - 0.5
    z = np.divide(distance, np.sqrt(np.where(varied, variance, 1.0)))
    return np.where(varied, np.minimum(erfc(z / np.sqrt(2.0)), 1.0), 1.0)
