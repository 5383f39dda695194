"""Predictions of models that say how sure they are of each candidate, but not which candidates err together."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pajamo.campaigns.predictive import Array, Rows, ValuePredictive
from pajamo.campaigns.predictive.base import as_noise


class IndependentPredictive(ValuePredictive):
    """Gaussian, every candidate by itself: a measurement of one says nothing of another.

    Batches chosen by it are not diverse, for nothing tells it which candidates are alike; a model with a covariance
    or with draws is better where there is one.

    Parameters
    ----------
    mean: shape (N, D).
    deviation: standard deviation of each true value; shape (N, D), one an output, or one number.
    noise, scale: as in `ValuePredictive`.
    """

    def __init__(
        self,
        mean: ArrayLike,
        deviation: ArrayLike,
        noise: ArrayLike | None = None,
        scale: ArrayLike | None = None,
    ) -> None:
        super().__init__(mean, noise, scale)
        self._variance = as_noise(np.square(np.asarray(deviation, dtype=float)), self.mean)

    @property
    def variance(self) -> Array:
        """Variance of each true value; shape (N, D)."""
        return self._variance

    def samples(self, number: int, rng: np.random.Generator) -> Array:
        """Draws, each candidate by itself; shape (number, N, D)."""
        return np.asarray(
            self.mean + np.sqrt(self._variance) * rng.standard_normal((number, *self.mean.shape))
        )

    def columns(self, rows: Rows) -> Array:
        """Zero but for a candidate with itself."""
        found = np.zeros((self.size, len(rows)))
        found[rows, np.arange(len(rows))] = self.diagonal()[rows]
        return found

    def diagonal(self) -> Array:
        """Variance summed over outputs in units of `scale`; shape (N,)."""
        return np.asarray((self._variance / self.scale**2).sum(axis=1))

    def take(self, rows: Rows) -> IndependentPredictive:
        """The same for some of the candidates."""
        return IndependentPredictive(
            self.mean[rows], np.sqrt(self._variance[rows]), self.noise[rows], self.scale
        )

    def condition(self, rows: Rows) -> IndependentPredictive:
        """Once these candidates have been measured: each of them is surer, no other is."""
        variance = self._variance.copy()
        for row in rows:
            total = variance[row] + self.noise[row]
            kept = np.divide(self.noise[row], total, out=np.zeros_like(total), where=total > 0)
            variance[row] *= kept
        return IndependentPredictive(self.mean, np.sqrt(variance), self.noise, self.scale)
