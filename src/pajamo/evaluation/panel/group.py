"""Counts of one group of cells, and the profile that the group's sum gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from pajamo.data.pseudobulk import Array

PROFILE_TOTAL: Final = 5e4
"""Molecules to which the sum of a group is scaled before the logarithm (cell-eval2, `bulk_lognorm`)."""
PER_MILLION: Final = 1e6


@dataclass(frozen=True)
class Group:
    """Cells that went through the same thing.

    Attributes
    ----------
    counts: molecules, shape (cells, genes); predicted ones may be fractions.
    library: molecules of each cell's whole library, which may hold genes beyond `counts`; shape (cells,).
    """

    counts: sp.csr_matrix
    library: Array

    def __len__(self) -> int:
        return int(self.counts.shape[0])

    def __getitem__(self, cells: NDArray[np.intp]) -> Group:
        return Group(self.counts[cells], self.library[cells])

    @cached_property
    def sums(self) -> Array:
        """Molecules of each gene over all cells, shape (genes,)."""
        return np.asarray(self.counts.sum(axis=0), dtype=float).ravel()

    @cached_property
    def profile(self) -> Array:
        """ln(1 + 50,000 S / sum of libraries) with the sums S of the group, shape (genes,); 0 without molecules."""
        total = float(self.library.sum())
        return np.log1p(PROFILE_TOTAL * self.sums / total) if total > 0 else np.zeros_like(self.sums)

    @cached_property
    def noise(self) -> float:
        """Variance of `profile` from the choice of cells, summed over genes: delete-one-cell jackknife.

        (n - 1) / n sum_i sum_g (v_ig - mean_i v_ig)², with v_i the profile without cell i; 0 below two cells.
        Source: Efron and Stein 1981, Ann. Stat. 9:586; metric `expr_mse_unbiased` of cell-eval2.
        """
        n = len(self)
        rest = self.library.sum() - self.library
        if n < 2 or not (rest > 0).all():
            return 0.0
        without = self.sums - self.counts.toarray()
        shift = np.log1p(PROFILE_TOTAL * without / rest[:, None]) - self.profile
        squares = np.square(shift).sum() - np.square(shift.sum(axis=0)).sum() / n
        return float(max((n - 1) / n * squares, 0.0))

    @cached_property
    def per_million(self) -> sp.csr_matrix:
        """Counts per million of each cell's library."""
        scale = PER_MILLION / np.maximum(self.library, 1.0)
        scaled = sp.csr_matrix(self.counts, dtype=np.float64, copy=True)
        scaled.data *= np.repeat(scale, np.diff(scaled.indptr))
        scaled.eliminate_zeros()
        return scaled


def joined(groups: Sequence[Group]) -> Group:
    """The cells of several groups as one."""
    return Group(
        sp.csr_matrix(sp.vstack([group.counts for group in groups])),
        np.concatenate([group.library for group in groups]),
    )
