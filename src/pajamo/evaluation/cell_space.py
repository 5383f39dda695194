"""The space in which distributions of cells are compared: principal axes of the training cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist
from sklearn.decomposition import PCA

from pajamo.data.conditions import Condition
from pajamo.data.pseudobulk import Array
from pajamo.errors import DataError

DIMENSIONS = 50
MOST_CELLS = 5000
"""Cells that determine the axes; more change them little and cost memory."""
MEDIAN_CELLS = 500
"""Cells whose distances give the kernel's width."""


@dataclass(frozen=True)
class CellSpace:
    """Principal axes fitted to training cells only, so that they hold nothing of the truth.

    Attributes
    ----------
    mean: shape (genes,), ln(1 + CP10K).
    axes: orthonormal rows, shape (dimensions, genes).
    width: median distance between two training cells in this space; the scale of the kernels.
    """

    mean: Array
    axes: Array
    width: float

    @classmethod
    def fit(
        cls, cells: Mapping[Condition, NDArray[np.floating]], dimensions: int = DIMENSIONS, seed: int = 0
    ) -> CellSpace:
        """Fit the axes to the pooled training cells, each array of shape (cells, genes).

        Raises
        ------
        DataError: fewer than three cells.
        """
        pooled = (
            np.concatenate([cells[condition] for condition in sorted(cells)]) if cells else np.zeros((0, 0))
        )
        if len(pooled) < 3:
            raise DataError(
                f"distributions cannot be compared with {len(pooled)} training cells",
                fix="set distributions = false under [evaluation]",
            )
        rng = np.random.default_rng(seed)
        chosen = pooled[rng.permutation(len(pooled))[:MOST_CELLS]].astype(np.float64)
        most = min(dimensions, len(chosen) - 1, chosen.shape[1])
        fitted = PCA(most, svd_solver="auto", random_state=seed).fit(chosen)
        space = cls(np.asarray(fitted.mean_), np.asarray(fitted.components_), 1.0)
        width = float(np.median(pdist(space.project(chosen[:MEDIAN_CELLS]))))
        return cls(space.mean, space.axes, width if width > 0 else 1.0)

    def project(self, cells: NDArray[np.floating]) -> Array:
        """Coordinates of cells (cells, genes) in this space, shape (cells, dimensions)."""
        return np.asarray((cells - self.mean) @ self.axes.T, dtype=np.float64)
