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


def proportional_excess(residual: Array, noise: Array, size: Array) -> tuple[float, Array]:
    """Variance of the truth around the prediction that grows with the predicted change.

    The variance is share^2 size^2 + tau_g^2: strong responses miss by more. share^2 is the slope of a
    weighted regression of residual^2 - noise on size^2 (weights 1 / (noise + size^2), so that neither
    the many small nor the few large changes decide alone), not below zero; tau_g^2 is what is left for each gene.

    Parameters
    ----------
    residual, noise: as in `excess_variance`.
    size: predicted change, same shape.

    Returns
    -------
    share^2, and tau_g^2 of shape (genes,).
    """
    squared = size**2
    typical = float((noise + squared).mean()) if residual.size else 0.0
    if typical == 0.0:
        return 0.0, excess_by_noise(residual, noise)
    # Where neither noise nor change is known to be there, a weight must still be finite.
    weight = typical / (noise + squared + 1e-3 * typical)
    total = weight.sum()
    excess = residual**2 - noise
    centred = squared - (weight * squared).sum() / total
    slope = (weight * centred * excess).sum() / max((weight * centred**2).sum(), np.finfo(float).tiny)
    share = max(float(slope), 0.0)
    return share, excess_by_noise(residual, noise + share * squared)


def excess_by_noise(residual: Array, noise: Array) -> Array:
    """As `excess_variance`, but a gene is drawn towards the pooled ratio of excess and noise.

    Genes that are hardly expressed have neither noise nor scatter, and would inherit both from the mean.
    """
    n = len(residual)
    if n == 0 or not noise.any():
        return excess_variance(residual, noise)
    own, sampling = (residual**2 - noise).mean(axis=0), noise.mean(axis=0)
    ratio = max(float(own.sum() / sampling.sum()), 0.0)
    return np.asarray(np.maximum((n * own + PRIOR_RESIDUALS * ratio * sampling) / (n + PRIOR_RESIDUALS), 0.0))
