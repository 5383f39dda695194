"""Closed-form bounds of how well a result tells Gaussian rivals apart."""

from __future__ import annotations

import numpy as np

from pajamo.campaigns.predictive import Array
from pajamo.campaigns.predictive.rivals import RivalPredictive


def pairwise_information(predictive: RivalPredictive) -> Array:
    """Upper bound of the information between result and rival, for Gaussian rivals with independent outputs; (N,).

    - sum_i w_i log sum_j w_j exp(-KL(i || j)), at most the entropy of the weights; nats.

    Source: Kolchinsky and Tracey 2017 (Entropy 19, 361), equation 10.
    """
    divergence = _divergences(predictive)
    found = np.zeros(predictive.size)
    for weight, row in zip(predictive.weights, divergence, strict=True):
        found -= weight * np.log(np.tensordot(predictive.weights, np.exp(-row), 1))
    return np.maximum(found, 0.0)


def box_hill(predictive: RivalPredictive) -> Array:
    """sum_ij w_i w_j KL(i || j), the bound by Jensen's inequality, which is never below the pairwise one; (N,).

    Source: Box and Hill 1967 (Technometrics 9, 57), equation 11.
    """
    weights = predictive.weights
    return np.asarray(np.einsum("i,j,ijn->n", weights, weights, _divergences(predictive)))


def _divergences(predictive: RivalPredictive) -> Array:
    """KL(i || j) of the results that rivals predict, outputs added; shape (M, M, N)."""
    count = len(predictive.rivals)
    means = np.stack([rival.mean for rival in predictive.rivals])
    spreads = np.stack([np.maximum(rival.variance, 0.0) + rival.noise for rival in predictive.rivals])
    found = np.zeros((count, count, predictive.size))
    for one in range(count):
        ratio = spreads[one] / spreads
        apart = (means[one] - means) ** 2 / spreads
        found[one] = 0.5 * (ratio - 1.0 - np.log(ratio) + apart).sum(axis=2)
    return found
