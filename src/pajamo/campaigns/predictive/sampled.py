"""Predictions as draws: ensembles, dropout, and draws of a mechanism's parameters."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pajamo.campaigns.predictive.base import Array, Rows, ValuePredictive
from pajamo.errors import ModelError

FEWEST = 2
"""Draws below which there is no variance."""


class SampledPredictive(ValuePredictive):
    """Draws of all candidates' true values together; each draw is one member of an ensemble, or one parameter set.

    Parameters
    ----------
    draws: shape (S, N, D), or (S, N) for one output.
    noise, scale: as in `ValuePredictive`.

    Raises
    ------
    ModelError: a single draw, which is a bare mean.
    """

    def __init__(
        self, draws: ArrayLike, noise: ArrayLike | None = None, scale: ArrayLike | None = None
    ) -> None:
        found = np.asarray(draws, dtype=float)
        self.draws = found[:, :, None] if found.ndim == 2 else found
        if self.draws.ndim != 3 or len(self.draws) < FEWEST:
            raise ModelError(
                f"draws have the shape {found.shape}: at least two draws of every candidate are needed",
                where="predictive distribution",
                why="one draw is a bare mean, and says nothing of how sure the model is",
                fix="give an ensemble, or an array of shape (draws, candidates, outputs)",
            )
        super().__init__(self.draws.mean(axis=0), noise, scale)

    @property
    def variance(self) -> Array:
        """Variance over draws; shape (N, D)."""
        return np.asarray(self.draws.var(axis=0, ddof=1))

    def samples(self, number: int, rng: np.random.Generator) -> Array:
        """Draws, chosen with replacement where more are asked for than there are; shape (number, N, D)."""
        again = number > len(self.draws)
        return np.asarray(self.draws[rng.choice(len(self.draws), number, replace=again)])

    def columns(self, rows: Rows) -> Array:
        """Covariance over draws, summed over outputs in units of `scale`."""
        factor = self.factor()
        return np.asarray(factor @ factor[rows].T)

    def diagonal(self) -> Array:
        """Variance summed over outputs in units of `scale`; shape (N,)."""
        return np.asarray((self.variance / self.scale**2).sum(axis=1))

    def factor(self, rank: int = 256) -> Array:  # noqa: ARG002
        """Deviations of the draws from their mean; shape (N, S D)."""
        centred = (self.draws - self.mean) / self.scale / np.sqrt(len(self.draws) - 1)
        return np.asarray(centred.transpose(1, 0, 2).reshape(self.size, -1))

    def take(self, rows: Rows) -> SampledPredictive:
        """The same for some of the candidates."""
        return SampledPredictive(self.draws[:, rows], self.noise[rows], self.scale)

    def condition(self, rows: Rows) -> SampledPredictive:
        """Each draw moved as a measurement that shows the mean would move it (Matheron's rule), output by output."""
        draws = self.draws.copy()
        for row in rows:
            away = draws - draws.mean(axis=0)
            with_row = np.einsum("snd,sd->nd", away, away[:, row]) / (len(draws) - 1)
            total = with_row[row] + self.noise[row]
            gain = np.divide(with_row, total, out=np.zeros_like(with_row), where=total > 0)
            # The factor of a sure measurement; with noise, so much less that variances come out right.
            kept = np.sqrt(np.divide(self.noise[row], total, out=np.ones_like(total), where=total > 0))
            draws = draws - gain[None] * away[:, row][:, None] / (1.0 + kept)
        return SampledPredictive(draws, self.noise, self.scale)
