"""Which genes changed between two groups of cells: tests gene by gene, and their false discovery rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pajamo.data.pseudobulk import Array, Moments

FALSE_DISCOVERY_RATE = 0.05


def welch(first: Moments, second: Moments) -> tuple[Array, Array]:
    """Welch's t-test of each gene's mean in paired groups of cells.

    Parameters
    ----------
    first, second: moments of the same number of groups.

    Returns
    -------
    t (positive where the first is higher) and the two-sided p-value, each (groups, genes). A gene
    without any variation, or a group of fewer than two cells, gives t = 0 and p = 1.

    Source: Welch 1947, Biometrika 34:28; degrees of freedom by Satterthwaite.
    """
    one, two = first.variance_of_mean, second.variance_of_mean
    total = one + two
    usable = np.isfinite(total) & (total > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.where(usable, (first.mean - second.mean) / np.sqrt(total), 0.0)
        n1, n2 = first.n_cells[:, None] - 1, second.n_cells[:, None] - 1
        freedom = total**2 / (one**2 / n1 + two**2 / n2)
    p = np.ones_like(t)
    p[usable] = 2 * stats.t.sf(np.abs(t[usable]), freedom[usable])
    return t, p


def rank_sum(cells: NDArray[np.floating], controls: NDArray[np.floating]) -> tuple[Array, Array]:
    """Wilcoxon's rank-sum test of each gene between two groups of cells, each (cells, genes).

    Returns
    -------
    z-like effect (probability that a cell of the first group is higher, minus one half) and the
    two-sided p-value of the normal approximation with ties and continuity correction, each (genes,).

    Source: Mann and Whitney 1947, Ann. Math. Stat. 18:50; the field's usual test for single cells.
    """
    result = stats.mannwhitneyu(cells, controls, axis=0, method="asymptotic")
    effect = np.asarray(result.statistic, dtype=float) / (len(cells) * len(controls)) - 0.5
    constant = (cells == cells[:1]).all(axis=0) & (controls == cells[:1]).all(axis=0)
    return effect, np.where(constant, 1.0, np.asarray(result.pvalue, dtype=float))


def benjamini_hochberg(p: Array, counted: NDArray[np.bool_] | None = None) -> Array:
    """Adjust p-values within each row so that a threshold bounds the false discovery rate.

    Parameters
    ----------
    p: shape (groups, genes).
    counted: genes that are tested, same shape; the others get 1 and do not count as tests.

    Source: Benjamini and Hochberg 1995, J. R. Stat. Soc. B 57:289.
    """
    tested = np.ones(p.shape, dtype=bool) if counted is None else counted
    padded = np.where(tested, p, np.inf)
    order = np.argsort(padded, axis=1, kind="stable")
    ranks = np.arange(1, p.shape[1] + 1)
    scaled = np.take_along_axis(padded, order, axis=1) * tested.sum(axis=1, keepdims=True) / ranks
    smallest = np.minimum.accumulate(scaled[:, ::-1], axis=1)[:, ::-1]
    adjusted = np.empty_like(p)
    np.put_along_axis(adjusted, order, np.minimum(smallest, 1.0), axis=1)
    return adjusted
