"""How sure a measured change is: against all other perturbations, and in a technical duplicate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pajamo.data.conditions import Condition
from pajamo.data.prediction import Prediction
from pajamo.data.pseudobulk import Array, Moments, Pseudobulk
from pajamo.evaluation.differential import benjamini_hochberg, welch


def interpolated(copy: Prediction, mean_response: Array, p: Array, name: str) -> Prediction:
    """alpha copy + (1 - alpha) mean response, alpha = 1 - adjusted p of each gene's change in the copy.

    A technical duplicate has the noise of half of the cells in every gene; where a gene did not change for
    certain, the mean response is the better guess. What a good metric should place above both.

    Parameters
    ----------
    copy: the first half's change.
    mean_response: mean change of the training perturbations against the same controls, shape (genes,).
    p: of each gene's change in the first half, shape (conditions, genes).

    Source: positive control "interpolated duplicate" of the package cellsimbench.
    """
    alpha = 1.0 - benjamini_hochberg(p)
    delta = alpha * copy.delta + (1.0 - alpha) * mean_response
    return replace(copy, model=name, delta=delta, sd=alpha * copy.sd)


def against_rest(bulk: Pseudobulk, conditions: Sequence[Condition]) -> Array | None:
    """Welch's t of each condition's cells against those of all other perturbations of its setting.

    None if a condition is alone in its setting.
    """
    whole = bulk.whole
    perturbed = [i for i, c in enumerate(bulk.conditions) if not c.is_control and whole.n_cells[i]]
    rows = bulk.index(conditions)
    t = np.zeros((len(rows), len(bulk.genes)))
    for setting in {condition.setting for condition in conditions}:
        others = np.array([i for i in perturbed if bulk.conditions[i].setting == setting])
        if len(others) < 2:
            return None
        here = np.flatnonzero([condition.setting == setting for condition in conditions])
        own = whole[rows[here]]
        t[here], _ = welch(own, _without(whole[others], own))
    return t


def _without(groups: Moments, each: Moments) -> Moments:
    """Moments of all cells of the groups but those of one of them at a time."""
    n, own_n = groups.n_cells.astype(float), each.n_cells[:, None].astype(float)
    left = n.sum() - own_n
    mean = (n @ groups.mean - own_n * each.mean) / left
    squares = np.einsum("i,ij,ij->j", n, groups.mean, groups.mean) + _within(groups).sum(axis=0)
    squares = squares - own_n * each.mean**2 - _within(each)
    variance = (squares - left * mean**2) / np.maximum(left - 1, 1)
    return Moments(groups.n_cells.sum() - each.n_cells, mean, np.maximum(variance, 0.0))


def _within(groups: Moments) -> Array:
    """Squared distances of cells from their group's mean, summed."""
    return np.asarray(np.maximum(groups.n_cells - 1, 0)[:, None] * np.nan_to_num(groups.variance))
