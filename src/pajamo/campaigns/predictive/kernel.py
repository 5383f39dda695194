"""Gaussian predictions of which columns of the covariance are computed when they are asked for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from pajamo.campaigns.predictive.base import Array, Rows, ValuePredictive, as_outputs
from pajamo.campaigns.predictive.pivoted import pivoted_factor

Columns = Callable[[Rows], Array]
MOST_EXACT = 3000
"""Candidates up to which draws use the whole covariance; above, a factor of low rank and what it leaves."""
RANK = 512


class KernelPredictive(ValuePredictive):
    """Gaussian process: the posterior covariance of all candidates with some of them, on demand.

    Parameters
    ----------
    mean: shape (N, D).
    variance: posterior variance of each candidate; shape (N,), in the units of output 0 divided by `spread`.
    columns: posterior covariance of all candidates with rows; rows -> (N, len(rows)), same units.
    spread: standard deviation of each output where `variance` is 1; shape (D,), ones if not given.
    noise, scale: as in `ValuePredictive`.
    """

    def __init__(
        self,
        mean: ArrayLike,
        variance: ArrayLike,
        columns: Columns,
        *,
        noise: ArrayLike | None = None,
        scale: ArrayLike | None = None,
        spread: ArrayLike | None = None,
    ) -> None:
        super().__init__(mean, noise, scale)
        self._variance = as_outputs(variance, "variance")[:, 0]
        self._columns = columns
        self.spread = np.ones(self.mean.shape[1]) if spread is None else np.asarray(spread, dtype=float)

    @property
    def variance(self) -> Array:
        """Variance of each true value; shape (N, D)."""
        return np.asarray(self._variance[:, None] * self.spread**2)

    def samples(self, number: int, rng: np.random.Generator) -> Array:
        """Draws of all candidates' true values together; shape (number, N, D)."""
        rank = self.size if self.size <= MOST_EXACT else RANK
        factor = pivoted_factor(self._columns, self._variance, rank)
        left = np.sqrt(np.maximum(self._variance - (factor**2).sum(axis=1), 0.0))
        outputs = self.mean.shape[1]
        joint = np.einsum(
            "nk,skd->snd", factor, rng.standard_normal((number, factor.shape[1], outputs)), optimize=True
        )
        alone = left[:, None] * rng.standard_normal((number, self.size, outputs))
        return np.asarray(self.mean + (joint + alone) * self.spread)

    def columns(self, rows: Rows) -> Array:
        """Covariance with some candidates, summed over outputs in units of `scale`."""
        return np.asarray(self._total * self._columns(rows))

    def diagonal(self) -> Array:
        """Variance summed over outputs in units of `scale`; shape (N,)."""
        return np.asarray(self._total * self._variance)

    def take(self, rows: Rows) -> KernelPredictive:
        """The same for some of the candidates."""
        return KernelPredictive(
            self.mean[rows],
            self._variance[rows],
            part_of(self._columns, rows),
            noise=self.noise[rows],
            scale=self.scale,
            spread=self.spread,
        )

    def condition(self, rows: Rows) -> KernelPredictive:
        """Once these candidates have been measured: one column and one rank-one correction each."""
        noise = (self.noise / self.spread**2).mean(axis=1)
        inner, variance = self._columns, self._variance.copy()
        seen = np.zeros((self.size, 0))
        for row in rows:
            column = inner(np.array([row]))[:, 0] - seen @ seen[row]
            total = float(column[row] + noise[row])
            if total <= 0.0:
                continue
            seen = np.column_stack([seen, column / np.sqrt(total)])
            variance = np.maximum(variance - seen[:, -1] ** 2, 0.0)
        return KernelPredictive(
            self.mean,
            variance,
            _Conditioned(inner, seen),
            noise=self.noise,
            scale=self.scale,
            spread=self.spread,
        )

    @property
    def _total(self) -> float:
        return float((self.spread**2 / self.scale**2).sum())


def part_of(columns: Columns, rows: Rows) -> Columns:
    """Columns of some of the candidates: by themselves where that can be done, else cut out of the whole."""
    own: Callable[[Rows], Columns] | None = getattr(columns, "part", None)
    return own(rows) if own is not None else lambda chosen: columns(rows[chosen])[rows]


class _Conditioned:
    """Columns of a covariance K less V V'."""

    def __init__(self, columns: Columns, seen: Array) -> None:
        self.columns, self.seen = columns, seen

    def __call__(self, rows: Rows) -> Array:
        return np.asarray(self.columns(rows) - self.seen @ self.seen[rows].T)

    def part(self, rows: Rows) -> Columns:
        """The same of some of the candidates."""
        return _Conditioned(part_of(self.columns, rows), self.seen[rows])
