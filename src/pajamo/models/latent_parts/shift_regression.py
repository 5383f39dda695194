"""Posterior of changes under a kernel of conditions, along a few axes and, gene by gene, outside of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from pajamo.models.base import Array
from pajamo.models.latent_parts.shift_kernel import OUTSIDE, Blocks, covariance
from pajamo.models.parts.variance_components import (
    SCALES,
    Components,
    fit_components,
    learn_scales,
    log_likelihood,
)


@dataclass(frozen=True)
class ShiftRegression:
    """A Gaussian process along the axes, and another in what they leave, each column with its own scale.

    Attributes
    ----------
    axes: orthonormal, in units of the cells' standard deviation, shape (genes, axes).
    along: posterior of the scores; its parameters are those of the kernel.
    outside: posterior of what is left of each gene, whose kernel is fixed but for the share of a sum.
    """

    axes: Array
    along: Components
    outside: Components

    @classmethod
    def fit(cls, change: Array, axes: Array, noise: Array, blocks: Blocks) -> ShiftRegression:
        """Fit kernel parameters by marginal likelihood along the axes, and the scales of all columns.

        Parameters
        ----------
        change: in units of the standard deviation between cells, shape (conditions, genes).
        noise: covariance of its errors, the same for all genes, shape (conditions, conditions).
        blocks: kernel of the conditions with themselves.
        """
        scores = change @ axes
        along = fit_components(scores, noise, lambda p: covariance(blocks, p), np.zeros(5))
        left = change - scores @ axes.T
        return cls(axes, along, _components(left, noise, covariance(blocks, np.array(OUTSIDE))))

    @property
    def parameters(self) -> Array:
        """Of the kernel along the axes."""
        return self.along.parameters

    def mean(self, blocks: Blocks) -> Array:
        """Expected changes; `blocks` are between the asked and the training conditions; (asked, genes)."""
        along = self.along.mean(covariance(blocks, self.parameters)) @ self.axes.T
        return along + self.outside.mean(covariance(blocks, np.array(OUTSIDE)))

    def variance(self, blocks: Blocks, own: Blocks) -> Array:
        """Posterior variance of the changes; `own` are between the asked conditions; (asked, genes)."""
        pairs = ((self.along, self.parameters), (self.outside, np.array(OUTSIDE)))
        along, outside = (
            part.variance(covariance(blocks, p), covariance(own, p).diagonal()) for part, p in pairs
        )
        return np.asarray(along @ (self.axes**2).T + outside)

    def left_out(self) -> tuple[Array, Array]:
        """Residual of each training change under the posterior that did not see it, and its expected variance.

        Shape (conditions, genes) each; scales and parameters are those of the whole.
        """
        along, outside = (_left_out(part) for part in (self.along, self.outside))
        variance = along[1] @ (self.axes**2).T + outside[1]
        return along[0] @ self.axes.T + outside[0], np.asarray(variance)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Arrays to save."""
        parts = {"along": self.along, "outside": self.outside}
        return {"axes": self.axes} | {
            f"{name}.{field}": value for name, part in parts.items() for field, value in vars(part).items()
        }

    @classmethod
    def restored(cls, state: Mapping[str, NDArray[Any]]) -> ShiftRegression:
        """Read what `state` gave."""
        fields = tuple(Components.__dataclass_fields__)
        parts = (Components(*(state[f"{name}.{field}"] for field in fields)) for name in ("along", "outside"))
        return cls(state["axes"], *parts)


def _left_out(part: Components) -> tuple[Array, Array]:
    """Of each column, averaged over its scales: [C^-1 y]_i / [C^-1]_ii, and 1 / [C^-1]_ii, C = scale K + N.

    Rasmussen and Williams 2006, Gaussian Processes for Machine Learning, eq. 5.12.
    """
    back = part.whitening.T @ part.vectors
    residual = np.zeros((len(back), part.rotated.shape[1]))
    variance = np.zeros_like(residual)
    for scale, weight in zip(SCALES, part.responsibility.T, strict=True):
        shrink = 1.0 / (1.0 + scale * part.values)
        own = 1.0 / (back**2 @ shrink)[:, None]
        residual += weight * own * (back @ (part.rotated * shrink[:, None]))
        variance += weight * own
    return residual, variance


def _components(data: Array, noise: Array, kernel: Array) -> Components:
    """Scales of columns under a kernel without open parameters."""
    whitening = solve_triangular(np.linalg.cholesky(noise), np.eye(len(noise)), lower=True)
    values, vectors = np.linalg.eigh(whitening @ kernel @ whitening.T)
    values = np.maximum(values, 0.0)
    rotated = vectors.T @ (whitening @ data)
    _, responsibility = learn_scales(log_likelihood(values, rotated))
    return Components(np.zeros(0), whitening, vectors, values, rotated, responsibility)
