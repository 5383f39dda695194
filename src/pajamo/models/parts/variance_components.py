"""Best linear unbiased prediction with variance components that all genes share, and a scale of each gene's own.

For one gene, with y the measured changes of all training conditions:

    y = f + e,   f ~ N(0, tau K),   K = sum_j share_j K_j,   e ~ N(0, N)

N is known from the cells (in units of the gene's variance between cells). The shares are found by
maximum marginal likelihood over all genes together; tau, how much a gene responds at all, comes
from a grid whose weights are learned from all genes (a nonparametric empirical-Bayes prior, fitted
by expectation maximisation). One eigendecomposition of N^-1/2 K N^-1/2 serves all genes and all tau.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.optimize import minimize

Array = NDArray[np.float64]

SCALES = np.geomspace(1e-3, 1e3, 25)
"""Grid of tau, in units of the variance between single cells."""
EXPECTATION_STEPS = 40
MOST_EVALUATIONS = 300
FIRST_STEP = 1.5
"""Edge of the first simplex, in the logarithm of a share."""
PULL = 0.05
"""Weak pull of the log shares towards equal ones, so that a share that the data do not determine stays put."""

Kernel = Callable[[Array], Array]
"""From the parameters to the training conditions' covariance, shape (conditions, conditions)."""


@dataclass(frozen=True)
class Components:
    """The fitted hierarchy.

    Attributes
    ----------
    parameters: those of the kernel, at the maximum of the marginal likelihood.
    whitening: inverse Cholesky factor of N, shape (conditions, conditions).
    vectors, values: eigenvectors and eigenvalues of the whitened K.
    rotated: whitened and rotated data, shape (conditions, genes).
    responsibility: weight of each grid point for each gene, shape (genes, scales).
    """

    parameters: Array
    whitening: Array
    vectors: Array
    values: Array
    rotated: Array
    responsibility: Array

    def mean(self, covariance: Array) -> Array:
        """Posterior mean of what has this prior covariance with f, over tau; shape (targets, genes).

        Parameters
        ----------
        covariance: with the training conditions, in units of tau, shape (targets, conditions).
        """
        return self._mean(covariance, SCALES)

    def noise_mean(self, covariance: Array) -> Array:
        """Posterior mean of what has this covariance with the noise e, which does not scale with tau."""
        return self._mean(covariance, np.ones_like(SCALES))

    def _mean(self, covariance: Array, factors: Array) -> Array:
        projected = covariance @ self.whitening.T @ self.vectors
        total = np.zeros((len(covariance), self.rotated.shape[1]))
        for k, (scale, factor) in enumerate(zip(SCALES, factors, strict=True)):
            weighted = self.rotated * self.responsibility[:, k]
            total += factor * (projected @ (weighted / (1.0 + scale * self.values)[:, None]))
        return total

    def variance(self, covariance: Array, prior: Array) -> Array:
        """Posterior variance of f at the targets, averaged over tau; shape (targets, genes).

        Parameters
        ----------
        covariance: with the training conditions, in units of tau, shape (targets, conditions).
        prior: prior variance of each target in units of tau, shape (targets,).
        """
        projected = (covariance @ self.whitening.T @ self.vectors) ** 2
        by_scale = [s * prior - s**2 * (projected / (1.0 + s * self.values)).sum(axis=1) for s in SCALES]
        return np.maximum(np.stack(by_scale, axis=1), 0.0) @ self.responsibility.T


def fit_components(data: Array, noise: Array, kernel: Kernel, start: Sequence[float]) -> Components:
    """Find the kernel's parameters and each gene's scale.

    Parameters
    ----------
    data: changes in units of each gene's standard deviation between cells, (conditions, genes).
    noise: covariance of their errors in the same units, the same for all genes, (conditions, conditions).
    kernel: covariance of the conditions for given parameters.
    start: parameters to start from.
    """
    factor = np.linalg.cholesky(noise)
    whitening = solve_triangular(factor, np.eye(len(noise)), lower=True)
    white = whitening @ data

    def spectrum(parameters: Array) -> tuple[Array, Array]:
        values, vectors = np.linalg.eigh(whitening @ kernel(parameters) @ whitening.T)
        return np.maximum(values, 0.0), vectors

    def cost(parameters: Array) -> float:
        values, vectors = spectrum(parameters)
        fit, _ = learn_scales(log_likelihood(values, vectors.T @ white))
        return PULL * float(((parameters - first) ** 2).sum()) - fit

    first = np.asarray(start, dtype=float)
    simplex = np.vstack([first, first + FIRST_STEP * np.eye(len(first))])
    options = {"initial_simplex": simplex, "maxfev": MOST_EVALUATIONS, "xatol": 0.05, "fatol": 0.3}
    best = np.asarray(minimize(cost, first, method="Nelder-Mead", options=options).x)
    values, vectors = spectrum(best)
    rotated = vectors.T @ white
    _, responsibility = learn_scales(log_likelihood(values, rotated))
    return Components(best, whitening, vectors, values, rotated, responsibility)


def log_likelihood(values: Array, rotated: Array) -> Array:
    """Log density of each gene's rotated data at each scale, up to a constant; shape (genes, scales)."""
    total = 1.0 + SCALES[:, None] * values
    return np.asarray(-0.5 * (np.log(total).sum(axis=1) + (rotated**2).T @ (1.0 / total).T))


def learn_scales(likelihood: Array) -> tuple[float, Array]:
    """Marginal log likelihood under learned grid weights, and each gene's responsibilities."""
    top = likelihood.max(axis=1, keepdims=True)
    density = np.exp(likelihood - top)
    weights = np.full(len(SCALES), 1.0 / len(SCALES))
    for _ in range(EXPECTATION_STEPS):
        joint = density * weights
        weights = (joint / joint.sum(axis=1, keepdims=True)).mean(axis=0)
    joint = density * weights
    total = joint.sum(axis=1, keepdims=True)
    return float((np.log(total) + top).sum()), joint / total
