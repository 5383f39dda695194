"""A few axes of cell state: genes to axes and back, and how cells vary along them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pajamo.data.training_set import TrainingSet
from pajamo.encoders.gene import response_axes
from pajamo.models.base import Array
from pajamo.models.parts.training_rows import order_of

FLOOR = 0.02
"""Share of the mean variance between cells added to each gene's, so that silent genes do not look exactly known."""
SMALLEST_SHARE = 0.05
"""Share of the variance along an axis that is the state's, at least, however noisy the instrument."""
ISOTROPIC_SHARE = 0.5
"""The same where no cells were kept to tell state from noise."""


def gene_scale(training: TrainingSet) -> Array:
    """Standard deviation of each gene between cells, ln(1 + CP10K), never zero; shape (genes,)."""
    pooled = training.pooled_variance
    if not pooled.any():
        return np.ones(len(pooled))
    return np.asarray(np.sqrt(pooled + FLOOR * pooled.mean()))


@dataclass(frozen=True)
class CellAxes:
    """Axes in which the variance between cells of a condition is 1 in every direction.

    Attributes
    ----------
    encode: ln(1 + CP10K) to axes, shape (genes, axes).
    decode: axes to ln(1 + CP10K), shape (axes, genes); encode after decode is the identity.
    covariance: part of the variance that is the state's and not the instrument's, shape (axes, axes).
    """

    encode: Array
    decode: Array
    covariance: Array

    @classmethod
    def of(cls, training: TrainingSet, dimensions: int) -> CellAxes:
        """Principal axes of training changes and of cells around their condition's mean.

        The instrument's noise is taken to be the same for every gene in units of its standard deviation, and is
        read off the directions that no axis holds (probabilistic principal components; Tipping and Bishop 1999,
        J. R. Stat. Soc. B 61:611, eq. 8).
        """
        scale = gene_scale(training)
        order = order_of(training)
        cells = centred_cells(training)
        within = None if cells is None else cells / scale
        axes, _ = response_axes(training.delta[order] / scale, dimensions, within)
        size = axes.shape[1]
        if within is None:
            variance, share = np.eye(size), np.full(size, ISOTROPIC_SHARE)
            return cls(axes / scale[:, None], axes.T * scale, np.diag(share) @ variance)
        scores = within @ axes
        variance = scores.T @ scores / len(scores) + 1e-9 * np.eye(size)
        rest = max(float((within**2).sum() / len(within) - np.trace(variance)), 0.0)
        noise = rest / max(len(scale) - size, 1)
        lower = np.linalg.cholesky(variance)
        to_unit = np.linalg.inv(lower)
        state = np.eye(size) - noise * to_unit @ to_unit.T
        values, vectors = np.linalg.eigh(state)
        covariance = (vectors * np.maximum(values, SMALLEST_SHARE)) @ vectors.T
        return cls((axes @ to_unit.T) / scale[:, None], lower.T @ axes.T * scale, covariance)

    def outside(self, values: Array) -> Array:
        """What of changes or centred cells no axis holds, shape as given."""
        return np.asarray(values - values @ self.encode @ self.decode)

    def residuals_of_controls(self, training: TrainingSet, most: int) -> NDArray[np.float32]:
        """Variation of control cells that no axis holds, shape (cells, genes); no rows if none were kept."""
        kept = [training.cells[c] for c in sorted(training.cells) if c.is_control]
        if not kept:
            return np.zeros((0, training.n_genes), dtype=np.float32)
        cells = np.concatenate([np.asarray(group, dtype=float) - group.mean(axis=0) for group in kept])
        return self.outside(cells[:: -(-len(cells) // most)]).astype(np.float32)


def centred_cells(training: TrainingSet) -> Array | None:
    """Cells of all conditions, each less its condition's mean, (cells, genes); None if too few were kept."""
    groups: list[NDArray[np.floating]] = [
        training.cells[c] for c in sorted(training.cells) if len(training.cells[c]) > 1
    ]
    if sum(len(group) - 1 for group in groups) < 2:
        return None
    # A mean that cells gave themselves takes one degree of freedom.
    return np.concatenate(
        [
            (np.asarray(group, dtype=float) - group.mean(axis=0)) * np.sqrt(len(group) / (len(group) - 1))
            for group in groups
        ]
    )
