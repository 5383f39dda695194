"""Negative binomial regression of many genes at once, on sums of counts over groups of cells.

The sum over a group of cells with rate e^eta and libraries L_i has mean e^eta * sum L and variance
mean + dispersion * s * mean^2 with s = sum L^2 / (sum L)^2. It is negative binomial with dispersion
dispersion * s: exactly so for equal libraries, in its first two moments otherwise. The fit then costs
the number of groups, not of cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from pajamo.data.matrix import BLOCK_CELLS
from pajamo.data.pseudobulk import add_block
from pajamo.measurements.counts import moment_dispersion

Array = NDArray[np.float64]

LARGEST_STEP = 2.0
"""Most that a log rate may move in one step: keeps the first steps inside the quadratic region."""
CONVERGED = 1e-7
"""A gene is done when no log rate moves by more than this in a step."""
INEXACT = 1e-3
"""Relative accuracy of a step's direction: later steps mend the rest (inexact Newton)."""


@dataclass(frozen=True)
class GroupSums:
    """Counts summed over groups of cells.

    Attributes
    ----------
    counts: molecules, shape (groups, genes).
    library: molecules over all genes, shape (groups, 1).
    share: sum of squared libraries over squared sum, one over the cells for equal ones; (groups, 1).
    dispersion: of single cells, shape (genes,).
    """

    counts: Array
    library: Array
    share: Array
    dispersion: Array

    @classmethod
    def of(cls, counts: sp.csr_matrix, library: Array, group_of: NDArray[np.intp], groups: int) -> GroupSums:
        """Sum over groups, and estimate each gene's dispersion from the cells within groups."""
        cells = np.bincount(group_of, minlength=groups).astype(float)[:, None]
        size = np.bincount(group_of, library, groups)[:, None]
        squared = np.bincount(group_of, library**2, groups)[:, None]
        total, squares, cross = _totals(counts, library, group_of, groups)
        rate = total / size
        distance = squares - 2.0 * rate * cross + rate**2 * squared
        return cls(total, size, squared / size**2, _dispersion(cells, distance, total, rate**2 * squared))

    def of_rows(self, rows: NDArray[np.intp]) -> GroupSums:
        """Some of the groups, with the dispersions of all."""
        return GroupSums(self.counts[rows], self.library[rows], self.share[rows], self.dispersion)

    def of_genes(self, genes: NDArray[np.intp]) -> GroupSums:
        """Some of the genes."""
        return GroupSums(self.counts[:, genes], self.library, self.share, self.dispersion[genes])

    def score_and_information(self, eta: Array) -> tuple[Array, Array]:
        """Derivative of the log-likelihood in eta, and its Fisher information, each (groups, genes)."""
        mean = self.library * np.exp(eta)
        inflation = 1.0 + self.share * self.dispersion * mean
        return (self.counts - mean) / inflation, mean / inflation


def maximum_a_posteriori(
    sums: GroupSums, design: sp.csr_matrix, offset: Array, precision: Array, start: Array, steps: int = 50
) -> Array:
    """Coefficients of eta = offset + design @ coefficients by Fisher scoring; shape (coefficients, genes).

    Parameters
    ----------
    design: shape (groups, coefficients).
    offset: shape (groups, genes).
    precision: one over the prior variance of each coefficient around zero, shape (coefficients, genes).
    start: where to begin, shape (coefficients, genes).
    steps: most steps.
    """
    coefficients = start.copy()
    active = np.arange(start.shape[1])
    for _ in range(steps):
        genes = sums.of_genes(active)
        score, information = genes.score_and_information(offset[:, active] + design @ coefficients[:, active])
        gradient = design.T @ score - precision[:, active] * coefficients[:, active]
        step = conjugate_gradient(design, information, precision[:, active], gradient, INEXACT)
        longest = np.abs(design @ step).max(axis=0)
        coefficients[:, active] += step * np.minimum(1.0, LARGEST_STEP / np.maximum(longest, LARGEST_STEP))
        active = active[longest > CONVERGED]
        if not len(active):
            break
    return coefficients


def conjugate_gradient(
    design: sp.csr_matrix, information: Array, precision: Array, target: Array, tolerance: float
) -> Array:
    """Solve (X^T diag(information_g) X + diag(precision_g)) x_g = target_g for all genes g, X the design."""
    diagonal = design.multiply(design).T @ information + precision
    solution, residual = np.zeros_like(target), target.copy()
    scaled = residual / diagonal
    direction, size = scaled.copy(), (residual * scaled).sum(axis=0)
    enough = tolerance**2 * np.maximum(size, np.finfo(float).tiny)
    for _ in range(4 * len(target)):
        if (size <= enough).all():
            break
        image = design.T @ (information * (design @ direction)) + precision * direction
        along = size / np.maximum((direction * image).sum(axis=0), np.finfo(float).tiny)
        solution += along * direction
        residual -= along * image
        scaled = residual / diagonal
        before, size = size, (residual * scaled).sum(axis=0)
        direction = scaled + size / np.maximum(before, np.finfo(float).tiny) * direction
    return solution


def _totals(
    counts: sp.csr_matrix, library: Array, group_of: NDArray[np.intp], groups: int
) -> tuple[Array, Array, Array]:
    """Sums of y, y^2 and L y over each group, shape (groups, genes) each.

    Block by block: whole products would be several times as large as the counts.
    """
    total, squares, cross = np.zeros((3, groups, counts.shape[1]))
    for start in range(0, counts.shape[0], BLOCK_CELLS):
        rows = slice(start, start + BLOCK_CELLS)
        block = sp.csr_matrix(counts[rows], dtype=float)
        add_block(total, squares, block, group_of[rows])
        present, where = np.unique(group_of[rows], return_inverse=True)
        weighted = sp.csr_matrix((library[rows], (where, np.arange(len(where)))))
        cross[present] += (weighted @ block).toarray()
    return total, squares, cross


def _dispersion(cells: Array, distance: Array, expected: Array, weight: Array) -> Array:
    """Moment estimate of each gene's dispersion, with a tenth of the median gene's weight on the pooled one.

    Parameters
    ----------
    cells: of each group, shape (groups, 1); groups of one cell say nothing.
    distance, expected, weight: sums over a group's cells of (y - mean)^2, mean and mean^2; (groups, genes).
    """
    several = cells[:, 0] > 1
    unbiased = distance[several] * (cells / np.maximum(cells - 1, 1))[several]
    weight = weight[several].sum(axis=0)
    excess = (unbiased - expected[several]).sum(axis=0)
    return moment_dispersion(excess, weight, prior=0.1 * float(np.median(weight)))
