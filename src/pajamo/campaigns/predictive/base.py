"""The interface of predictive distributions over candidates that were not measured."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pajamo.campaigns.predictive.pivoted import pivoted_factor
from pajamo.errors import ModelError

Array = NDArray[np.float64]
Rows = NDArray[np.intp]


class Predictive(ABC):
    """What a model says of N candidates before they are measured."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of candidates, N."""

    @abstractmethod
    def finite(self) -> NDArray[np.bool_]:
        """Candidates of which everything that is said is finite; shape (N,)."""

    @abstractmethod
    def take(self, rows: Rows) -> Self:
        """The same for some of the candidates, in the order given."""

    @abstractmethod
    def condition(self, rows: Rows) -> Predictive:
        """What is said once these candidates have been measured, before it is known what came out.

        Results that are not in yet change how sure a model is, but not what it expects.
        """


class ValuePredictive(Predictive):
    """A joint distribution of the candidates' true values, which measurements show with noise.

    Attributes
    ----------
    mean: expected values; shape (N, D) for D outputs (one readout, or the components of a profile).
    noise: variance of one measurement around the true value; shape (N, D), zeros where it is not known.
    scale: what counts as one unit of each output, usually the standard deviation of what was recorded; shape (D,).
    """

    def __init__(
        self, mean: ArrayLike, noise: ArrayLike | None = None, scale: ArrayLike | None = None
    ) -> None:
        self.mean = as_outputs(mean, "mean")
        self.noise = np.zeros_like(self.mean) if noise is None else as_noise(noise, self.mean)
        self.scale = np.ones(self.mean.shape[1]) if scale is None else np.asarray(scale, dtype=float)

    @property
    def size(self) -> int:
        """Number of candidates, N."""
        return len(self.mean)

    @property
    @abstractmethod
    def variance(self) -> Array:
        """Variance of each true value, of what the model does not know; shape (N, D)."""

    @abstractmethod
    def samples(self, number: int, rng: np.random.Generator) -> Array:
        """Draws of all candidates' true values together; shape (number, N, D).

        One draw is one world: candidates that the model holds to be alike are alike in it.
        """

    @abstractmethod
    def columns(self, rows: Rows) -> Array:
        """Covariance of all candidates with some of them, summed over outputs in units of `scale`.

        Returns shape (N, len(rows)).
        """

    @abstractmethod
    def diagonal(self) -> Array:
        """Variance of each candidate, summed over outputs in units of `scale`; shape (N,)."""

    def noise_of(self) -> Array:
        """Variance of one measurement, summed over outputs in units of `scale` as `diagonal` is; shape (N,)."""
        return np.asarray((self.noise / self.scale**2).sum(axis=1))

    def factor(self, rank: int = 256) -> Array:
        """F with F F' about the covariance summed over outputs; shape (N, at most `rank`).

        By pivoted Cholesky unless the distribution is of low rank itself; what is left out stands on the diagonal.
        """
        return pivoted_factor(self.columns, self.diagonal(), rank)

    def finite(self) -> NDArray[np.bool_]:
        """Candidates with finite mean, variance and noise."""
        parts = (self.mean, self.variance, self.noise)
        return np.asarray(np.all([np.isfinite(part).all(axis=1) for part in parts], axis=0))

    @property
    def deviation(self) -> Array:
        """Standard deviation of each true value; shape (N, D)."""
        return np.sqrt(np.maximum(self.variance, 0.0))


def as_outputs(values: ArrayLike, what: str) -> Array:
    """Shape (N, D) from (N, D) or (N,).

    Raises
    ------
    ModelError: another shape.
    """
    found = np.asarray(values, dtype=float)
    if found.ndim == 1:
        return found[:, None]
    if found.ndim != 2:
        raise ModelError(
            f"{what} has {found.ndim} dimensions, not 1 or 2",
            where="predictive distribution",
            fix="give one row a candidate and one column an output",
        )
    return found


def as_noise(noise: ArrayLike, mean: Array) -> Array:
    """Variances of the shape of the mean, from one number, one an output, or one a candidate and output.

    Raises
    ------
    ModelError: another shape, or a negative variance.
    """
    found = np.asarray(noise, dtype=float)
    if found.ndim == 1 and len(found) == len(mean) and mean.shape[1] == 1:
        found = found[:, None]
    try:
        spread = np.broadcast_to(found, mean.shape)
    except ValueError:
        raise ModelError(
            f"noise has the shape {found.shape}, the mean {mean.shape}",
            where="predictive distribution",
            fix="give one number, one an output, or one a candidate and output",
        ) from None
    if (spread < 0).any():
        raise ModelError("a variance of noise is negative", where="predictive distribution")
    return np.array(spread)
