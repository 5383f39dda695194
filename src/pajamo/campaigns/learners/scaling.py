"""Units of features and values taken away before a fit, and the learner's own space made of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pajamo.campaigns.features import Features
from pajamo.campaigns.learners.inputs import whole
from pajamo.campaigns.predictive import Array


@dataclass(frozen=True)
class Scale:
    """Centre and standard deviation of each column; columns that never vary keep their unit.

    Attributes
    ----------
    centre, deviation: shape (columns,).
    """

    centre: Array
    deviation: Array

    @classmethod
    def of(cls, table: Array) -> Self:
        """Of the columns of a table, shape (rows, columns)."""
        centre, deviation = table.mean(axis=0), table.std(axis=0)
        # What rounding leaves of a constant column must not be blown up to one unit.
        constant = deviation <= 1e-12 * np.maximum(np.abs(centre), np.finfo(float).tiny)
        return cls(centre, np.where(constant, 1.0, deviation))

    def apply(self, table: Array) -> Array:
        """Columns without units."""
        return np.asarray((table - self.centre) / self.deviation)


class ScaledFeatures:
    """Features in a learner's own space, made when they are asked for; a pool is never copied whole.

    Parameters
    ----------
    features: of the pool, shape (N, F).
    scale: of each feature.
    weights: how much one scaled unit of each feature matters to the learner; shape (F,).
    """

    def __init__(self, features: Features, scale: Scale, weights: Array) -> None:
        self.features, self.scale, self.weights = features, scale, weights

    @property
    def shape(self) -> tuple[int, ...]:
        """Candidates and features."""
        return self.features.shape

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> NDArray[np.floating]:
        """Features of some candidates, shape (rows, F)."""
        return np.asarray(self.scale.apply(whole(self.features[rows], "candidates")) * self.weights)
