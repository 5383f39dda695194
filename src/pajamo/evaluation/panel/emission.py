"""Cells in counts from what a model says: a mean of ln(1 + CP10K), or cells drawn in ln(1 + CP10K)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from pajamo.data.pseudobulk import Array
from pajamo.evaluation.panel.group import Group
from pajamo.units import NORMALISATION_TARGET

MOLECULES: Final = np.concatenate([[0.0], np.geomspace(1e-6, 1e5, 600)])
"""Mean molecules of a gene in a cell at which the mean of ln(1 + CP10K) is tabulated."""
SEEN: Final = 0.5
"""Mean molecules of a gene above which its scatter tells of overdispersion."""


@dataclass(frozen=True)
class Emitter:
    """Turns predictions into counted cells with the help of control cells that the predictor saw.

    A predicted mean says nothing of how cells scatter, so real control cells carry it. Molecules of a gene that
    is predicted to fall are removed at random; where it is to rise, molecules are added, to cells that have some
    and to others as the overdispersion of the controls says. Thus libraries, scatter and shares of zeros stay
    those of real cells, and a prediction of no change gives control cells. The control cells of one
    condition are different ones, unless there are too few.

    Attributes
    ----------
    pool: control cells, the predictor's own half.

    Source: after the emission "dispersed" of cell-eval2's mean-response baseline, which multiplies the counts of
    control cells. With few controls that puts all of a rise into the few cells that express a gene, and a mean of
    logarithms is then met by enormous counts; hence whole molecules here.
    """

    pool: Group

    @cached_property
    def whole(self) -> bool:
        """Whether the matrix holds each cell's whole library."""
        return bool(np.allclose(np.asarray(self.pool.counts.sum(axis=1)).ravel(), self.pool.library))

    @cached_property
    def dispersion(self) -> float:
        """Variance of a gene's rate over its squared mean beyond counting noise: the median over expressed genes."""
        size = self.pool.library / self.pool.library.mean()
        rates = sp.csr_matrix(self.pool.counts.multiply(1.0 / size[:, None]))
        mean = np.asarray(rates.mean(axis=0)).ravel()
        variance = np.asarray(rates.multiply(rates).mean(axis=0)).ravel() - mean**2
        seen = mean > SEEN
        excess = variance[seen] - mean[seen] * (1.0 / size).mean()
        return float(np.median(np.maximum(excess, 0.0) / mean[seen] ** 2)) if seen.any() else 0.0

    @cached_property
    def _expected(self) -> Array:
        """Mean of ln(1 + CP10K) at each of MOLECULES: share of expressing cells by ln(1 + their mean)."""
        wide = max(self.dispersion, 1e-9)
        expressing = -np.expm1(-np.log1p(wide * MOLECULES) / wide)
        of_these = np.divide(MOLECULES, expressing, out=np.ones_like(MOLECULES), where=expressing > 0)
        unit = NORMALISATION_TARGET / self.pool.library.mean()
        return np.asarray(expressing * np.log1p(unit * of_these))

    @cached_property
    def mean(self) -> Array:
        """Mean of ln(1 + CP10K) over the pool, shape (genes,)."""
        counts = self.pool.counts
        expression = NORMALISATION_TARGET * counts.data / np.repeat(self.pool.library, np.diff(counts.indptr))
        return np.bincount(counts.indices, np.log1p(expression), counts.shape[1]) / len(self.pool)

    def molecules(self, mean: Array) -> Array:
        """Mean molecules in a cell of each gene at this mean of ln(1 + CP10K), shape (genes,).

        Exactly those of the pool at the pool's own mean: the table only carries from there.
        """
        own = self.pool.sums / len(self.pool)
        tabulated = np.interp(own, MOLECULES, self._expected)
        ratio = np.divide(tabulated, self.mean, out=np.ones_like(own), where=self.mean > 0)
        found = np.interp(np.maximum(mean, 0.0) * ratio, self._expected, MOLECULES)
        return np.where(mean == self.mean, own, found)

    def of_mean(self, mean: Array, n: int, rng: np.random.Generator) -> Group:
        """Draw n cells whose genes have the predicted mean of ln(1 + CP10K), shape (genes,).

        What a cell gains or loses in the measured genes, its library gains or loses.
        """
        own, wanted = self.pool.sums / len(self.pool), self.molecules(mean)
        drawn = self.pool[_chosen(len(self.pool), n, rng)]
        kept = np.divide(np.minimum(wanted, own), own, out=np.ones_like(own), where=own > 0)
        counts = _thinned(drawn.counts, kept, rng)
        counts = sp.csr_matrix(counts + self._added(drawn, np.maximum(wanted - own, 0.0) * n, rng))
        gained = np.asarray((counts - drawn.counts).sum(axis=1)).ravel()
        return Group(counts, drawn.library + gained)

    def _added(self, drawn: Group, expected: Array, rng: np.random.Generator) -> sp.csr_matrix:
        """New molecules, a Poisson number of each gene, in cells that have some or in proportion to libraries."""
        genes = np.repeat(np.arange(len(expected)), rng.poisson(expected))
        cells = np.searchsorted(np.cumsum(drawn.library), rng.random(len(genes)) * drawn.library.sum())
        held = drawn.sums[genes]
        clumped = self.dispersion * held / len(drawn)
        beside = rng.random(len(genes)) < clumped / (1.0 + clumped)
        columns = sp.csc_matrix(drawn.counts)
        ends = np.cumsum(columns.data)
        first = np.concatenate([[0.0], ends])[columns.indptr[genes[beside]]]
        cells[beside] = columns.indices[
            np.searchsorted(ends, first + rng.random(beside.sum()) * held[beside])
        ]
        return sp.csr_matrix((np.ones(len(genes)), (cells, genes)), shape=drawn.counts.shape)

    def of_cells(self, cells: NDArray[np.floating], n: int, rng: np.random.Generator) -> Group:
        """Take n of the cells that a model drew, ln(1 + CP10K), shape (cells, genes), in libraries of the pool.

        The larger libraries go to the cells that express more genes, as in real cells; a sum of counts
        would otherwise give poorly sampled cells the weight of well sampled ones. Without rounding to whole
        molecules, which the model's own scatter stands for already.
        """
        chosen = np.asarray(cells[_chosen(len(cells), n, rng)], dtype=np.float64)
        sizes = np.sort(self.pool.library[_chosen(len(self.pool), n, rng)])
        library = np.empty(n)
        library[np.argsort((chosen > 0).sum(axis=1), kind="stable")] = sizes
        counts = np.expm1(np.maximum(chosen, 0.0)) * (library / NORMALISATION_TARGET)[:, None]
        held = counts.sum(axis=1)
        return Group(sp.csr_matrix(counts), held if self.whole else np.maximum(library, held))


def _chosen(available: int, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    return rng.choice(available, size=n, replace=n > available)


def _thinned(counts: sp.csr_matrix, kept: Array, rng: np.random.Generator) -> sp.csr_matrix:
    thinned = counts.copy()
    share = kept[counts.indices]
    falls = share < 1
    thinned.data[falls] = rng.binomial(np.rint(counts.data[falls]).astype(np.int64), share[falls])
    thinned.eliminate_zeros()
    return thinned
