"""Exact posterior of a Gaussian process over a pool: columns of its covariance on demand, never all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve, solve_triangular

from pajamo.campaigns.features import Features, blocks
from pajamo.campaigns.learners.blockwise import BLOCK, by_block, one_thread
from pajamo.campaigns.predictive import Array, KernelPredictive, Rows

Kernel = Callable[[Array, Array], Array]
KEPT = 2**26
"""Most numbers that are kept for a pool (half a gigabyte); beyond, they are computed again for each column."""


@dataclass(frozen=True)
class ExactProcess:
    """A Gaussian process that has seen results. Rasmussen and Williams 2006, Gaussian Processes, algorithm 2.1.

    Attributes
    ----------
    kernel: prior covariance of rows of features with others, (A, F) and (B, F) to (A, B).
    variance: prior variance of rows of features, (A, F) to (A,).
    average: prior mean of rows of features, (A, F) to (A, D).
    seen: features of the results, shape (L, F).
    root: lower Cholesky factor of their covariance with noise, shape (L, L).
    weights: the inverse of that covariance times what was recorded beside the prior mean; shape (L, D).
    """

    kernel: Kernel
    variance: Callable[[Array], Array]
    average: Callable[[Array], Array]
    seen: Array
    root: Array
    weights: Array

    @classmethod
    def of(
        cls,
        kernel: Kernel,
        variance: Callable[[Array], Array],
        average: Callable[[Array], Array],
        seen: Array,
        values: Array,
        noise: Array,
    ) -> ExactProcess:
        """From results: features (L, F), values (L, D) and variances of their noise (L,)."""
        with one_thread():
            root = np.asarray(np.linalg.cholesky(kernel(seen, seen) + np.diag(noise)), dtype=float)
            weights = cho_solve((root, True), values - average(seen))
        return cls(kernel, variance, average, seen, root, weights)

    def mean(self, features: Array) -> Array:
        """Posterior mean; shape (N, D)."""
        return np.asarray(self.average(features) + self.kernel(features, self.seen) @ self.weights)

    def half(self, features: Array) -> Array:
        """H with H H' what the results have taken off the prior covariance; shape (N, L)."""
        return np.asarray(solve_triangular(self.root, self.kernel(self.seen, features), lower=True).T)

    def left(self, features: Array) -> Array:
        """Posterior variance; shape (N,)."""
        left = self.variance(features) - (self.half(features) ** 2).sum(axis=1)
        return np.asarray(np.maximum(left, 0.0))

    def predict(self, features: Features, *, noise: Array, unit: Array, centre: Array) -> KernelPredictive:
        """Of a pool.

        Parameters
        ----------
        features: in the unit of the kernel.
        noise: of one further measurement of each output, in its own unit; shape (D,).
        unit: of each output, shape (D,): the standard deviation of what was recorded.
        centre: of each output, shape (D,).
        """
        return KernelPredictive(
            centre + by_block(features, self.mean) * unit,
            by_block(features, self.left),
            _Columns(self, features),
            noise=noise,
            scale=unit,
            spread=unit,
        )


class _Columns:
    """Posterior covariance of all candidates with some; O(N L) a column once the pool has been seen."""

    def __init__(self, process: ExactProcess, features: Features) -> None:
        self.process, self.features = process, features
        self.kept: list[tuple[slice, Array, Array]] | None = None

    def part(self, rows: Rows) -> _Columns:
        """The same of some of the candidates, whose features are few enough to be held."""
        return _Columns(self.process, np.asarray(self.features[rows]))

    def __call__(self, rows: Rows) -> Array:
        chosen = np.asarray(self.features[rows], dtype=float)
        found = np.empty((self.features.shape[0], len(rows)))
        with one_thread():
            taken = self.process.half(chosen)
            for part, block, half in self._parts():
                found[part] = self.process.kernel(block, chosen) - half @ taken.T
        return found

    def _parts(self) -> Iterator[tuple[slice, Array, Array]]:
        if self.features.shape[0] * (self.features.shape[1] + len(self.process.seen)) > KEPT:
            yield from self._made()
            return
        if self.kept is None:
            self.kept = list(self._made())
        yield from self.kept

    def _made(self) -> Iterator[tuple[slice, Array, Array]]:
        for part, block in blocks(self.features, BLOCK):
            table = np.asarray(block, dtype=float)
            yield part, table, self.process.half(table)
