"""Axes of cell state along which state and instrument's noise are independent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pajamo.data.training_set import TrainingSet
from pajamo.models.base import Array
from pajamo.models.parts.cell_axes import CellAxes

CELLS_PER_AXIS = 2
"""Fewest cells, beyond one a condition, for each axis."""
LARGEST_SHARE = 0.98
"""Most of an axis's variance that is taken to be the state's: an exact score would leave nothing to encode."""


@dataclass(frozen=True)
class StateAxes:
    """Axes in which cells of a condition have variance 1 in every direction, `share` of it the state's.

    Attributes
    ----------
    encode: ln(1 + CP10K) to axes, shape (genes, axes).
    decode: axes to ln(1 + CP10K), shape (axes, genes).
    share: part of the variance that is the state's, largest first, shape (axes,).
    """

    encode: Array
    decode: Array
    share: Array

    @classmethod
    def of(cls, training: TrainingSet, dimensions: int) -> StateAxes:
        """Principal axes of responses and cells (`CellAxes`), turned so that the state's covariance is diagonal."""
        spare = sum(len(cells) - 1 for cells in training.cells.values() if len(cells))
        # With fewer cells than that a direction may have no variance by chance, and its scores would be endless.
        axes = CellAxes.of(training, max(min(dimensions, spare // CELLS_PER_AXIS), 1))
        values, vectors = np.linalg.eigh(axes.covariance)
        turn = vectors[:, ::-1]
        decode = turn.T @ axes.decode
        # An axis may point either way; towards its strongest gene, whatever the order of the genes.
        strongest = np.abs(decode).argmax(axis=1)
        sign = np.where(decode[np.arange(len(decode)), strongest] < 0, -1.0, 1.0)
        share = np.minimum(values[::-1], LARGEST_SHARE)
        return cls(axes.encode @ turn * sign, decode * sign[:, None], share)
