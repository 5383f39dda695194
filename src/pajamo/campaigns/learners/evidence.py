"""How strong the prior of a linear model is, found by the evidence: no results are held back for it.

With features Z in units of the noise, weights w ~ N(0, s^2 I) and errors N(0, s^2 I), the logarithm of the
evidence is -1/2 [D log|I + Z Z'| + (L - 1) sum_d log s_d^2] at its best s_d^2 = y_d' (I + Z Z')^-1 y_d / (L - 1).
The -1 is for the mean, which has no prior (restricted likelihood). MacKay 1992 (Neural Comput 4, 415), eq. 4.8;
Bishop 2006, eq. 3.86.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize, minimize_scalar

from pajamo.campaigns.predictive import Array

LOWEST, HIGHEST = 1e-8, 1e8
"""Range of the variance that a group of features explains, in units of the noise."""
TOLD = 1e-1
"""Least strength from which several groups start: from nothing at all, no group has a slope to follow."""
STEPS = 33
"""Strengths that are looked at before the best one is refined."""
FLOOR = 1e-12
"""Least variance of errors in units of what was recorded; values that never vary would have none."""


@dataclass(frozen=True)
class Whitened:
    """Results in units of their noise, without their mean.

    Attributes
    ----------
    features: Z, shape (L, F), each group divided by the root of its number of features.
    values: shape (L, D).
    groups: which group each feature is in; shape (F,).
    free: whether the size of errors is to be found; otherwise it is 1, because noise is known.
    constant: what the noise itself adds to the negative logarithm of the evidence, for one output.
    """

    features: Array
    values: Array
    groups: Array
    free: bool
    constant: float = 0.0


@dataclass(frozen=True)
class Strength:
    """What the evidence says.

    Attributes
    ----------
    prior: variance that each group of features explains, in units of the noise; shape (groups,).
    variance: of errors, s_d^2, shape (D,).
    lost: negative logarithm of the evidence.
    """

    prior: Array
    variance: Array
    lost: float


def strongest(data: Whitened) -> Strength:
    """The prior with the most evidence: exactly for one group; for several by gradient from where one is best."""
    spectrum = _Spectrum.of(data)
    bounds = float(np.log(LOWEST)), float(np.log(HIGHEST))
    grid = np.linspace(bounds[0], bounds[1], STEPS)
    start = float(grid[np.argmin([spectrum.lost(at) for at in grid])])
    width = float(grid[1] - grid[0])
    near = (max(start - width, bounds[0]), min(start + width, bounds[1]))
    best = float(minimize_scalar(spectrum.lost, bounds=near, method="bounded", options={"xatol": 1e-6}).x)
    number = int(data.groups.max(initial=0)) + 1
    if number == 1:
        return Strength(np.exp([best]), spectrum.variance(best), spectrum.lost(best))
    return _several(data, np.full(number, max(best, float(np.log(TOLD)))))


@dataclass(frozen=True)
class _Spectrum:
    """All that the evidence needs where one strength is sought: O(number of eigenvalues) for each."""

    eigenvalues: Array
    along: Array
    beside: Array
    results: int
    data: Whitened

    @classmethod
    def of(cls, data: Whitened) -> _Spectrum:
        """By the smaller of the two Gram matrices: O(L F min(L, F))."""
        features, values = data.features, data.values
        wide = features.shape[1] > len(features)
        gram = features @ features.T if wide else features.T @ features
        eigenvalues, vectors = np.linalg.eigh(gram)
        eigenvalues = np.maximum(eigenvalues, 0.0)
        if wide:
            along = (vectors.T @ values) ** 2
        else:
            inner = vectors.T @ (features.T @ values)
            seen = eigenvalues > FLOOR * max(float(eigenvalues.max(initial=0.0)), FLOOR)
            along = np.divide(inner**2, eigenvalues[:, None], out=np.zeros_like(inner), where=seen[:, None])
        beside = np.maximum((values**2).sum(axis=0) - along.sum(axis=0), 0.0)
        return cls(eigenvalues, along, beside, len(features), data)

    def squares(self, strength: float) -> Array:
        """y_d' (I + Z Z')^-1 y_d; shape (D,)."""
        shrunk = self.along / (1.0 + np.exp(strength) * self.eigenvalues)[:, None]
        return np.asarray(shrunk.sum(axis=0) + self.beside)

    def variance(self, strength: float) -> Array:
        """s_d^2; shape (D,)."""
        return _variance(self.squares(strength), self.results, self.data.free)

    def lost(self, strength: float) -> float:
        """Negative logarithm of the evidence."""
        volume = float(np.log1p(np.exp(strength) * self.eigenvalues).sum())
        return _lost(volume, self.squares(strength), self.results, self.data)


def _variance(squares: Array, results: int, free: bool) -> Array:
    return np.maximum(squares / (results - 1), FLOOR) if free else np.ones_like(squares)


def _lost(volume: float, squares: Array, results: int, data: Whitened) -> float:
    outputs = len(squares)
    if data.free:
        errors = (results - 1) * float(np.log(_variance(squares, results, True)).sum())
    else:
        errors = float(squares.sum())
    return 0.5 * (outputs * (volume + data.constant) + errors)


def _several(data: Whitened, start: Array) -> Strength:
    bounds = [(np.log(LOWEST), np.log(HIGHEST))] * len(start)
    found = minimize(_slope, start, args=(data,), jac=True, method="L-BFGS-B", bounds=bounds)
    squares = _state(found.x, data)[1]
    return Strength(np.exp(found.x), _variance(squares, len(data.values), data.free), float(found.fun))


def _state(strengths: Array, data: Whitened) -> tuple[float, Array, Array, Array]:
    """log|I + Z Z'|, y' (I + Z Z')^-1 y, weights Z' (I + Z Z')^-1 y, and how well each weight is determined."""
    features = data.features * np.exp(0.5 * strengths)[data.groups.astype(np.intp)]
    if features.shape[1] > len(features):
        root = np.linalg.cholesky(np.eye(len(features)) + features @ features.T)
        half = np.linalg.solve(root, np.column_stack([data.values, features]))
        known, explained = half[:, : data.values.shape[1]], half[:, data.values.shape[1] :]
        weights = explained.T @ known
        determined = (explained**2).sum(axis=0)
        squares = (known**2).sum(axis=0)
    else:
        root = np.linalg.cholesky(np.eye(features.shape[1]) + features.T @ features)
        inverse = np.linalg.solve(root, np.eye(features.shape[1]))
        weights = inverse.T @ (inverse @ (features.T @ data.values))
        determined = 1.0 - (inverse**2).sum(axis=0)
        squares = (data.values * (data.values - features @ weights)).sum(axis=0)
    return 2.0 * float(np.log(np.diag(root)).sum()), squares, weights, determined


def _slope(strengths: Array, data: Whitened) -> tuple[float, Array]:
    """Negative logarithm of the evidence and its slope: 1/2 [D gamma_g - sum_d |w_gd|^2 / s_d^2] for each group."""
    volume, squares, weights, determined = _state(strengths, data)
    variance = _variance(squares, len(data.values), data.free)
    each = 0.5 * (data.values.shape[1] * determined - (weights**2 / variance).sum(axis=1))
    slope = np.zeros(len(strengths))
    np.add.at(slope, data.groups.astype(np.intp), each)
    return _lost(volume, squares, len(data.values), data), slope
