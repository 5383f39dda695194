"""Where a network sees expression: genes, or a few directions in which perturbations moved it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from pajamo.data.training_set import TrainingSet
from pajamo.encoders.gene import response_axes
from pajamo.models.base import Array
from pajamo.models.parts.scales import spread_of


@dataclass(frozen=True)
class Coordinates:
    """An affine change of variables, z = (x - centre) encode and x = centre + z decode, of z of size one.

    Attributes
    ----------
    centre: mean of the controls, ln(1 + CP10K), shape (genes,).
    encode: shape (genes, components).
    decode: shape (components, genes); encode after decode is the identity.
    """

    centre: Array
    encode: Array
    decode: Array

    @classmethod
    def of_genes(cls, training: TrainingSet) -> Coordinates:
        """Every gene is a component, all in one unit: the typical change in training."""
        unit = _size(training.delta)
        identity = np.eye(training.n_genes)
        return cls(_centre(training), identity / unit, identity * unit)

    @classmethod
    def of_responses(cls, training: TrainingSet, size: int, kept: Sequence[int] = ()) -> Coordinates:
        """Genes that are kept as they are, and principal components of the responses of all others.

        Genes count in units of their spread between cells.

        Parameters
        ----------
        size: number of principal components, at most.
        kept: positions of genes with a component of their own.
        """
        scale = spread_of(training)
        changes = training.delta / scale
        own = np.eye(training.n_genes)[:, list(kept)]
        others = changes.copy()
        others[:, list(kept)] = 0.0
        axes = np.concatenate([own, response_axes(others, size)[0]], axis=1)
        unit = _size(changes @ axes)
        return cls(_centre(training), axes / (unit * scale[:, None]), axes.T * unit * scale)

    @property
    def size(self) -> int:
        """Number of components."""
        return self.encode.shape[1]

    def values(self, levels: Array) -> Array:
        """Components of levels, shape (..., components)."""
        return np.asarray((levels - self.centre) @ self.encode)

    def levels(self, values: Array) -> Array:
        """Levels of components, ln(1 + CP10K), shape (..., genes)."""
        return np.asarray(self.centre + values @ self.decode)

    def variances(self, variance: Array) -> Array:
        """Variances of components where genes err independently, shape (..., components)."""
        return np.asarray(variance @ self.encode**2)

    def tensors(self, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Centre, encode and decode."""
        centre, encode, decode = (
            torch.tensor(array, dtype=dtype) for array in (self.centre, self.encode, self.decode)
        )
        return centre, encode, decode


def _centre(training: TrainingSet) -> Array:
    cells = np.maximum(training.controls.n_cells, 1).astype(float)
    return np.asarray(cells @ training.controls.mean / cells.sum())


def _size(changes: Array) -> float:
    """Root mean square, one where nothing changed."""
    return float(np.sqrt((changes**2).mean())) or 1.0
