"""The six metrics of the preset vcc2026, condition by condition, from two sides.

Source: cell-eval2 0.20.0 (MIT), docs/vcc2026_metrics.md; written anew from the definitions. In each function `own`
marks the genes that were perturbed themselves, shape (conditions, genes): they are left out.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pajamo.data.pseudobulk import Array
from pajamo.evaluation.masked import Mask, mean_where
from pajamo.evaluation.panel.side import Side
from pajamo.evaluation.similarity import cosine_similarity, normalised_rank

FEWEST_GENES: Final = 10
"""Significant genes below which an error of log fold changes is not computed."""
PURITY: Final = 0.9
"""Share of right directions that a prefix must keep to count as reached."""


def discrimination(made: Side, true: Side, own: Mask) -> Array:
    """1 - k/(n - 1), k of the n measured changes being nearer (cosine) than the true one; ties count one half.

    A gene that any condition perturbs is left out of all: a predictor could be told by it alone.
    """
    kept = ~own.any(axis=0)
    return normalised_rank(cosine_similarity(made.delta[:, kept], true.delta[:, kept]))


def squared_error(made: Side, true: Side, own: Mask) -> Array:
    """Squared error of the profile per gene without what the noise of both sides adds, capped.

    ||q - r||² - f min(J_q, J_r) - J_r, divided by the number of genes. f <= 1 keeps a prediction from claiming
    more noise than its own conditions differ, which would pay for drawing few or wild cells.
    """
    share = 1.0 / (~own).sum(axis=1)
    claim = share * np.minimum(made.noise, true.noise)
    spread = _spread(made.profile, share, ~own)
    factor = min(1.0, spread / claim.sum()) if claim.sum() > 0 else 1.0
    squares = np.where(own, 0.0, (made.profile - true.profile) ** 2).sum(axis=1)
    return np.asarray(share * (squares - true.noise) - factor * claim)


def squared_effect(true: Side, own: Mask) -> Array:
    """Squared measured change of the profile per gene without what the noise of cells and controls adds."""
    squares = np.where(own, 0.0, true.delta**2).sum(axis=1)
    return np.asarray((squares - true.noise - true.origin_noise) / (~own).sum(axis=1))


def _spread(profile: Array, share: Array, counted: Mask) -> float:
    """Weighted squared distance of the profiles from their mean, over genes that two or more conditions have."""
    weight = share[:, None] * counted
    mean = (weight * profile).sum(axis=0) / np.maximum(weight.sum(axis=0), np.finfo(float).tiny)
    of_gene = (weight * (profile - mean) ** 2).sum(axis=0)
    return float(of_gene[counted.sum(axis=0) >= 2].sum())


def significance_jaccard(made: Side, true: Side, own: Mask) -> Array:
    """Genes called changed on both sides, of those called on either; 1 where neither side calls any."""
    one, two = made.significant & ~own, true.significant & ~own
    either = (one | two).sum(axis=1)
    return np.asarray(np.where(either > 0, (one & two).sum(axis=1) / np.maximum(either, 1), 1.0))


def direction_fidelity(made: Side, true: Side, own: Mask) -> Array:
    """Genes called by the prediction that go the measured way, of the larger of both numbers of called genes.

    NaN where neither side calls any.
    """
    moved = true.log_fold != 0
    called = made.significant & ~own & moved
    right = (called & _same_direction(made, true)).sum(axis=1)
    larger = np.maximum(called.sum(axis=1), (true.significant & ~own).sum(axis=1))
    return np.asarray(np.where(larger > 0, right / np.maximum(larger, 1), np.nan))


def direction_reach(made: Side, true: Side, own: Mask, names: NDArray[np.intp]) -> Array:
    """How far down the significant genes, in the prediction's order, nine of ten directions are right.

    The order: called by the prediction first, then by adjusted p, p, falling |log fold|, and name. The deepest
    prefix that is right to 90 %, divided by the number of genes; NaN where none is significant.

    Parameters
    ----------
    names: rank of each gene's name among all, shape (genes,).
    """
    right = _same_direction(made, true)
    depths = np.full(len(own), np.nan)
    for row, genes in enumerate(true.significant & ~own):
        chosen = np.flatnonzero(genes)
        if not len(chosen):
            continue
        keys = (
            names[chosen], -np.abs(made.log_fold[row, chosen]), made.p[row, chosen],
            made.adjusted[row, chosen], ~made.significant[row, chosen],
        )  # fmt: skip
        order = chosen[np.lexsort(keys)]
        depths[row] = _deepest(right[row, order], true.log_fold[row, order] != 0) / len(chosen)
    return depths


def _deepest(right: Mask, moved: Mask) -> int:
    depth = np.cumsum(moved)
    pure = (depth > 0) & (np.cumsum(right) >= PURITY * np.maximum(depth, 1))
    return int(depth[pure].max()) if pure.any() else 0


def _same_direction(made: Side, true: Side) -> Mask:
    return np.asarray(made.log_fold * true.log_fold > 0)


def fold_error(made: Side, true: Side, own: Mask, gate: Side | None = None) -> Array:
    """Mean |predicted - measured log fold| over the significant genes, divided by their mean |log fold|.

    NaN below ten genes. Predicting no change scores 1.

    Parameters
    ----------
    gate: the side that chooses the genes and gives the denominator; the truth if not given.
    """
    chooser = true if gate is None else gate
    genes = chooser.significant & ~own & np.isfinite(chooser.log_fold)
    predicted = np.where(np.isfinite(made.log_fold), made.log_fold, 0.0)
    size = mean_where(np.abs(chooser.log_fold), genes)
    error = mean_where(np.abs(predicted - true.log_fold), genes)
    return np.where(genes.sum(axis=1) >= FEWEST_GENES, error / size, np.nan)
