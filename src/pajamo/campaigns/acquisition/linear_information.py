"""Expected information where predictions and parameters are linear in the same unknowns: exact, and no draws."""

from __future__ import annotations

import numpy as np

from pajamo.campaigns.predictive import Array, Rows
from pajamo.campaigns.predictive.linear_parameters import LinearParameterPredictive

ALIKE = 1e-9
"""Size below which a combination of parameters is one of the others again, relative to the parameters' own."""
FAINT = 1e-3
"""Size, in units of their noise, below which results beside the hidden number tell nothing worth counting."""


class LinearResults:
    """All candidates' results: their covariance, and what is left of it once the parameters of interest are known.

    A candidate's result is what its outputs say together of its hidden number, and what they show beside (of the
    instrument), which is the same for all candidates of a kind.

    Parameters
    ----------
    predictive: of the pool.
    loadings: of the parameters of interest, shape (P, K).
    """

    def __init__(self, predictive: LinearParameterPredictive, loadings: Array) -> None:
        whole = predictive.finite()[:, None]
        self._factor = np.where(whole, predictive.hidden * np.sqrt(predictive.precision)[:, None], 0.0)
        self._kinds, self._kind = _kinds_of(predictive)
        everything, axes = np.eye(loadings.shape[1]), axes_of(loadings)
        members: list[Rows] = [np.flatnonzero(self._kind == number) for number in range(len(self._kinds))]
        self._spread = _Unknowns(self._factor, self._kinds, members, everything)
        self._left = _Unknowns(self._factor, self._kinds, members, everything - axes.T @ axes)

    def information(self) -> Array:
        """What each candidate would tell; nats, shape (N,)."""
        return np.maximum(0.5 * (self._spread.log_size() - self._left.log_size()), 0.0)

    def add(self, row: int) -> None:
        """One more candidate in the batch."""
        results = np.concatenate([self._factor[[row]], self._kinds[self._kind[row]]])
        self._spread.measure(results)
        self._left.measure(results)


class _Unknowns:
    """What is known of the unknowns, and the covariance of every candidate's results that follows; noise 1 beside.

    Parameters
    ----------
    factor: of the hidden numbers in units of their noise, shape (N, K).
    kinds: of the results beside, shape (G, results, K).
    members: candidates of each kind.
    covariance: of the unknowns, shape (K, K).
    """

    def __init__(self, factor: Array, kinds: Array, members: list[Rows], covariance: Array) -> None:
        self._factor, self._kinds, self._members, self._covariance = factor, kinds, members, covariance
        self._variance = np.einsum("nk,nk->n", factor @ covariance, factor)

    def log_size(self) -> Array:
        """log det(covariance of each candidate's results + 1): those beside first, then the hidden number; (N,)."""
        moved = self._kinds @ self._covariance
        lower = np.linalg.cholesky(np.eye(self._kinds.shape[1]) + moved @ self._kinds.transpose(0, 2, 1))
        explained = np.linalg.solve(lower, moved)
        beside = 2.0 * np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(axis=1)
        found, variance = np.zeros(len(self._factor)), self._variance.copy()
        for number, rows in enumerate(self._members):
            variance[rows] -= ((self._factor[rows] @ explained[number].T) ** 2).sum(axis=1)
            found[rows] = beside[number]
        return np.asarray(found + np.log1p(np.maximum(variance, 0.0)))

    def measure(self, results: Array) -> None:
        """Measure results that follow from the unknowns so, shape (results, K), each with noise 1."""
        moved = self._covariance @ results.T
        lower = np.linalg.cholesky(np.eye(len(results)) + results @ moved)
        explained = np.linalg.solve(lower, moved.T)
        self._covariance = self._covariance - explained.T @ explained
        self._variance -= ((self._factor @ explained.T) ** 2).sum(axis=1)


def axes_of(loadings: Array) -> Array:
    """Orthonormal combinations of the unknowns that are known with the parameters, shape (at most P, K)."""
    lengths = np.maximum(np.linalg.norm(loadings, axis=1, keepdims=True), np.finfo(float).tiny)
    _, size, axes = np.linalg.svd(loadings / lengths, full_matrices=False)
    return np.asarray(axes[size > ALIKE])


def _kinds_of(predictive: LinearParameterPredictive) -> tuple[Array, Rows]:
    """Results beside the hidden number by kind, as few as say the same, shape (G, results, K); kind of each (N,)."""
    if predictive.aside is None:
        return np.zeros((1, 0, predictive.hidden.shape[1])), np.zeros(predictive.size, dtype=np.intp)
    used, kind = np.unique(predictive.aside.kind, return_inverse=True)
    _, size, across = np.linalg.svd(predictive.aside.kinds[used], full_matrices=False)
    kept = int((size > FAINT).sum(axis=1).max(initial=0))
    return size[:, :kept, None] * across[:, :kept], kind.reshape(-1)
