"""How far the truth scatters around a prediction, beyond what the noise of both explains."""

from __future__ import annotations

import numpy as np

from pajamo.models.base import Array

PRIOR_RESIDUALS = 10
"""How many residuals' worth of weight the scatter pooled over genes has in each gene's own."""


def excess_variance(residual: Array, noise: Array) -> Array:
    """Variance of the truth around the prediction, by the method of moments, per gene.

    tau_g^2 = max(0, mean_i(residual_ig^2 - noise_ig)), drawn towards its mean over genes with the
    weight of `PRIOR_RESIDUALS` conditions, because a few conditions say little about each gene.

    Parameters
    ----------
    residual: observed minus predicted change of conditions that the prediction did not see,
        shape (conditions, genes).
    noise: variance that the cells' sampling gives to that residual, same shape.

    Returns
    -------
    Shape (genes,); zeros where there is no residual, so that only the cells' noise is known.
    """
    n, genes = residual.shape
    if n == 0:
        return np.zeros(genes)
    own = np.asarray((residual**2 - noise).mean(axis=0))
    pooled = max(float(own.mean()), 0.0)
    return np.maximum((n * own + PRIOR_RESIDUALS * pooled) / (n + PRIOR_RESIDUALS), 0.0)
