"""How wide effects are: one scale for each perturbation times one for each gene, learned from all effects."""

from __future__ import annotations

import numpy as np

from pajamo.models.base import Array

PRIOR_WEIGHT = 5.0
"""How many effects' worth of weight the average has in the scale of each perturbation and of each gene."""
NARROWEST = 1e-4
"""Smallest prior variance of an effect, ln squared: one per cent."""
ROUNDS = 3


def prior_variance(effects: Array, variance: Array) -> Array:
    """Prior variance a_t w_g of each effect, from the effects' posterior second moments (empirical Bayes).

    Most perturbations of a screen do nothing, and most genes respond to nothing: a perturbation without an effect is
    shrunk harder than one that changes many genes, and so is a gene.

    Parameters
    ----------
    effects, variance: posterior mean and variance, shape (perturbations, genes).
    """
    second = effects**2 + variance
    of_part, of_gene = np.ones((len(second), 1)), np.full((1, second.shape[1]), second.mean())
    for _ in range(ROUNDS):
        of_gene = _towards_mean(second / of_part, axis=0)
        of_part = _towards_mean(second / np.maximum(of_gene, NARROWEST), axis=1)
    return np.asarray(np.maximum(of_part * of_gene, NARROWEST))


def _towards_mean(values: Array, axis: int) -> Array:
    own, number = values.sum(axis=axis, keepdims=True), values.shape[axis]
    return np.asarray((own + PRIOR_WEIGHT * values.mean()) / (number + PRIOR_WEIGHT))
