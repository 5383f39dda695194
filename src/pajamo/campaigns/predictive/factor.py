"""Gaussian predictions of low rank: linear models, and whatever is linear in its weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pajamo.campaigns.predictive.base import Array, Rows, ValuePredictive


class FactorPredictive(ValuePredictive):
    """Gaussian with covariance F F', the same for all outputs but for their spread; outputs are independent.

    Parameters
    ----------
    mean: shape (N, D).
    factor: F, shape (N, K); a linear model's features times the Cholesky factor of its weights' covariance.
    spread: standard deviation of each output's errors where F F' is 1; shape (D,), ones if not given.
    noise, scale: as in `ValuePredictive`.
    """

    def __init__(
        self,
        mean: ArrayLike,
        factor: ArrayLike,
        *,
        noise: ArrayLike | None = None,
        scale: ArrayLike | None = None,
        spread: ArrayLike | None = None,
    ) -> None:
        super().__init__(mean, noise, scale)
        self._factor = np.asarray(factor, dtype=float)
        self.spread = np.ones(self.mean.shape[1]) if spread is None else np.asarray(spread, dtype=float)

    @property
    def variance(self) -> Array:
        """Variance of each true value; shape (N, D)."""
        return np.asarray(np.einsum("nk,nk->n", self._factor, self._factor)[:, None] * self.spread**2)

    def samples(self, number: int, rng: np.random.Generator) -> Array:
        """Draws of all candidates' true values together; shape (number, N, D)."""
        normal = rng.standard_normal((number, self._factor.shape[1], self.mean.shape[1]))
        return np.asarray(
            self.mean + np.einsum("nk,skd->snd", self._factor, normal, optimize=True) * self.spread
        )

    def columns(self, rows: Rows) -> Array:
        """Covariance with some candidates, summed over outputs in units of `scale`."""
        return np.asarray(self._total * (self._factor @ self._factor[rows].T))

    def diagonal(self) -> Array:
        """Variance summed over outputs in units of `scale`; shape (N,)."""
        return np.asarray(self._total * np.einsum("nk,nk->n", self._factor, self._factor))

    def factor(self, rank: int = 256) -> Array:  # noqa: ARG002
        """The factor that it was made with, in units of `scale`; its rank is never cut."""
        return np.asarray(np.sqrt(self._total) * self._factor)

    def take(self, rows: Rows) -> FactorPredictive:
        """The same for some of the candidates."""
        return FactorPredictive(
            self.mean[rows],
            self._factor[rows],
            noise=self.noise[rows],
            scale=self.scale,
            spread=self.spread,
        )

    def condition(self, rows: Rows) -> FactorPredictive:
        """Once these candidates have been measured: one rank-one update each, O(N K)."""
        factor = self._factor.copy()
        noise = (self.noise / self.spread**2).mean(axis=1)
        for row in rows:
            factor = downdated(factor, factor[row], float(noise[row]))
        return FactorPredictive(self.mean, factor, noise=self.noise, scale=self.scale, spread=self.spread)

    @property
    def _total(self) -> float:
        return float((self.spread**2 / self.scale**2).sum())


def downdated(factor: Array, seen: Array, noise: float) -> Array:
    """The factor of a covariance after a measurement of the candidate with factor row `seen`.

    F (I - c s s') F' with c = 1 / (|s|^2 + noise); its root is F (I - b s s') with b |s|^2 = 1 - sqrt(1 - c |s|^2).
    """
    length = float(seen @ seen)
    if length == 0.0:
        return factor
    share = length / (length + noise) if noise > 0 else 1.0
    return np.asarray(factor - np.outer(factor @ seen, seen) * ((1.0 - np.sqrt(1.0 - share)) / length))
