"""Denoised main effects: what of each perturbation lies in programmes that many perturbations share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SMALLEST_POWER = 1e-12


def wiener_filter(effects: Array, doubles: Array, scale: Array, cells: float) -> Array:
    """Wiener filter of effects along their own principal directions.

    Directions are the right singular vectors of the centred effects, stacked on the centred means of
    doubles (divided by sqrt 2, since a double carries two effects). With noise of known variance, an
    eigenvalue e of the scatter matrix reveals the signal's power x by inverting the spiked model
    (Marchenko and Pastur 1967; Baik and Silverstein 2006, J. Multivariate Anal. 97:1382):
    e = x + 1 + b + b / x, in units of the noise, for e above the bulk's edge (1 + sqrt b)^2.
    The filter's gain is signal / (signal + noise) = x / e, and zero below the edge.

    Parameters
    ----------
    effects: shape (genes perturbed, genes), ln(1 + CP10K).
    doubles: means of training doubles, shape (doubles, genes); may have no rows.
    scale: by which each gene is divided, shape (genes,).
    cells: after that division, effects have a noise variance of 1 / cells.

    Returns
    -------
    Filtered effects, shape (genes perturbed, genes).
    """
    white = effects / scale
    centre = white.mean(axis=0)
    white = white - centre
    blocks = [white]
    if len(doubles):
        blocks.append((doubles - doubles.mean(axis=0)) / scale / np.sqrt(2.0))
    power, axes = _directions(np.vstack(blocks))
    rows, columns = len(effects) + len(doubles), effects.shape[1]
    signal = _signal_power(power, max(rows, columns) / cells, min(rows, columns) / max(rows, columns))
    kept = signal > 0
    gain, axes = np.minimum(signal / power, 1.0)[kept], axes[kept]
    return np.asarray((centre + (white @ axes.T * gain) @ axes) * scale)


def _signal_power(power: Array, noise: float, aspect: float) -> Array:
    """Invert the spiked model; zero where an eigenvalue lies within the noise's bulk."""
    observed = power / noise
    half = observed - 1.0 - aspect
    above = observed > (1.0 + np.sqrt(aspect)) ** 2
    root = np.sqrt(np.maximum(half**2 - 4.0 * aspect, 0.0))
    return np.asarray(np.where(above, (half + root) / 2.0, 0.0) * noise)


def _directions(values: Array) -> tuple[Array, Array]:
    """Squared singular values and right singular vectors (rows), from the smaller Gram matrix."""
    wide = values.shape[0] <= values.shape[1]
    power, vectors = np.linalg.eigh(values @ values.T if wide else values.T @ values)
    power = np.maximum(power, SMALLEST_POWER)
    return power, (vectors.T @ values) / np.sqrt(power)[:, None] if wide else vectors.T
