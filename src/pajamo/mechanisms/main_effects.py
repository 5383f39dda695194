"""Main effects of perturbed genes, all estimated together from singles and combinations.

The law of `composition`, with every measured mean i of one setting as a row:

    y_i = c0 + sum_{a in i} effect_a + e_i,    effect_a ~ N(m, tau^2),    e_i ~ N(0, tau^2 r_i)

The level c0 and the mean effect m are not shrunk (generalised least squares); the effects are best
linear unbiased predictions (Henderson 1975, Biometrics 31:423). The control is an ordinary row, so
its noise is shared out instead of entering every effect whole. All of it is linear in the means y,
and the same for every measured gene: only the maps are computed here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

UNMEASURED_SHARE = 0.85
"""Incidence of a combination with a parent that was not measured alone.

Combinations fall short of the sum of their singles. Where a combination is all that is known of a
parent, the shortfall would be taken for the parent's own and counted again in its other pairs.
"""


@dataclass(frozen=True)
class EffectMaps:
    """Estimates as linear maps of the measured means, rows in the order of the design.

    Attributes
    ----------
    level: c0, shape (rows,).
    mean: m, shape (rows,).
    effects: effect of each perturbed gene, shape (genes perturbed, rows).
    """

    level: Array
    mean: Array
    effects: Array


def effect_maps(membership: Array, noise: Array) -> EffectMaps:
    """Solve the mixed model of one setting.

    Parameters
    ----------
    membership: how often each row holds each perturbed gene, shape (rows, genes perturbed); the
        control's row is zero.
    noise: r_i, variance of each row in units of the variance of effects, positive, shape (rows,).

    Returns
    -------
    The maps; the effect of a gene that no row holds is m.
    """
    fixed = np.stack([np.ones(len(membership)), membership.sum(axis=1)], axis=1)
    precision = np.linalg.inv(membership @ membership.T + np.diag(noise))
    weighted = fixed.T @ precision
    # Without a perturbed row m is not determined; the pseudo-inverse then takes m = 0.
    level_and_mean = np.linalg.pinv(weighted @ fixed) @ weighted
    effects = membership.T @ (precision - precision @ fixed @ level_and_mean) + level_and_mean[1]
    return EffectMaps(level_and_mean[0], level_and_mean[1], effects)


def row_noise(
    cells: Array, combined: NDArray[np.bool_], typical: float, noise: float, factor: float
) -> Array:
    """r_i = noise * (typical cells / cells_i), times `factor` for combinations, which also interact.

    Parameters
    ----------
    cells: cells behind each mean, shape (rows,).
    combined: whether a row is a combination, shape (rows,).
    typical: cells of a typical single.
    noise: variance of a typical single's mean in units of the variance of effects.
    factor: how much less a combination says of its parts than a single.
    """
    return np.asarray(noise * typical / np.maximum(cells, 1.0) * np.where(combined, factor, 1.0))


def downweight_unmeasured(membership: Array, measured: NDArray[np.bool_]) -> Array:
    """Shrink the incidence of combinations with a parent that was not measured alone.

    Parameters
    ----------
    membership: shape (rows, genes perturbed).
    measured: whether each gene was measured alone, shape (genes perturbed,).
    """
    bridging = (membership[:, ~measured] > 0).any(axis=1)
    return np.asarray(membership * np.where(bridging, UNMEASURED_SHARE, 1.0)[:, None])
