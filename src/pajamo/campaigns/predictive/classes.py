"""Predictions of classes: probabilities by each member of an ensemble."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pajamo.campaigns.predictive.base import Array, Predictive, Rows
from pajamo.errors import ModelError

TOLERANCE = 1e-6


class ClassPredictive(Predictive):
    """Probabilities of C classes by S members (trees, networks, draws); one member where there is no ensemble.

    Parameters
    ----------
    probabilities: shape (S, N, C), or (N, C) of a single model.
    features: what a network hands to its last layer, shape (N, H); acquisitions that follow gradients read it.

    Raises
    ------
    ModelError: probabilities that are negative or do not sum to one; the first such candidate is named.
    """

    def __init__(self, probabilities: ArrayLike, features: ArrayLike | None = None) -> None:
        found = np.asarray(probabilities, dtype=float)
        self.probabilities = found[None] if found.ndim == 2 else found
        if self.probabilities.ndim != 3:
            raise ModelError(
                f"probabilities have the shape {found.shape}",
                where="predictive distribution",
                fix="give an array of shape (candidates, classes) or (members, candidates, classes)",
            )
        self.features = None if features is None else np.asarray(features, dtype=float)
        self._check()

    @property
    def size(self) -> int:
        """Number of candidates, N."""
        return int(self.probabilities.shape[1])

    @property
    def members(self) -> int:
        """Number of members, S."""
        return len(self.probabilities)

    @property
    def mean(self) -> Array:
        """Mean probabilities over members; shape (N, C)."""
        return np.asarray(self.probabilities.mean(axis=0))

    def finite(self) -> NDArray[np.bool_]:
        """Candidates whose probabilities are all finite."""
        return np.asarray(np.isfinite(self.probabilities).all(axis=(0, 2)))

    def take(self, rows: Rows) -> ClassPredictive:
        """The same for some of the candidates."""
        features = None if self.features is None else self.features[rows]
        return ClassPredictive(self.probabilities[:, rows], features)

    def condition(self, rows: Rows) -> ClassPredictive:  # noqa: ARG002
        """Unchanged: which class it will be is not known. Joint acquisitions begin with pending candidates."""
        return self

    def _check(self) -> None:
        whole = np.isfinite(self.probabilities).all(axis=2)
        total = self.probabilities.sum(axis=2)
        wrong = whole & ((np.abs(total - 1.0) > TOLERANCE) | (self.probabilities < -TOLERANCE).any(axis=2))
        if wrong.any():
            member, row = (int(place[0]) for place in np.nonzero(wrong))
            raise ModelError(
                f"probabilities of candidate {row} sum to {total[member, row]:.6g}",
                where=f"predictive distribution, member {member}",
                why=f"{int(wrong.any(axis=0).sum()):,} of {self.size:,} candidates have such probabilities",
                fix="give probabilities, not logits: each row is at least 0 and sums to 1",
            )
