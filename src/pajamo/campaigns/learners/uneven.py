"""Bayesian linear regression where some candidates are noisier than others, by a law that is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from pajamo.campaigns.features import Features
from pajamo.campaigns.learners.blockwise import by_block, one_thread
from pajamo.campaigns.learners.designed import DesignedLinear
from pajamo.campaigns.learners.evidence import strongest
from pajamo.campaigns.learners.hashing import fingerprint
from pajamo.campaigns.learners.inputs import Results, checked
from pajamo.campaigns.learners.linear import FittedLinear, Prior, _deviations, _whitened, posterior
from pajamo.campaigns.learners.scaling import Scale
from pajamo.campaigns.predictive import Array, FactorPredictive
from pajamo.errors import DataError

ROUNDS = 2
"""Times that the law is found from the errors of a fit that the last law has weighed."""
STEPS = 30
SLOPE = 1.0
"""Standard deviation of a slope beforehand: one of a feature changes the noise up to e-fold, or about that."""
WIDEST = 3.0
"""Standard deviations from the middle beyond which the law is held constant."""


@dataclass(frozen=True)
class NoiseLaw:
    """Variance of a measurement relative to the typical one: exp(slopes . features), mean logarithm 0 over results.

    Attributes
    ----------
    columns: features that the noise depends on; shape (K,).
    units: of these features, by what was recorded.
    slopes: shape (K,).
    """

    columns: tuple[int, ...]
    units: Scale
    slopes: Array

    def of(self, features: Array) -> Array:
        """Relative variance, shape (N,) of features (N, F)."""
        scaled = np.clip(self.units.apply(features[:, self.columns]), -WIDEST, WIDEST)
        return np.asarray(np.exp(scaled @ self.slopes))

    def found(self, features: Array, squares: Array) -> NoiseLaw:
        """The law by which squared errors, shape (L,), are most probable: log-linear gamma regression (Newton)."""
        scaled = np.clip(self.units.apply(features[:, self.columns]), -WIDEST, WIDEST)
        design = np.column_stack([np.ones(len(scaled)), scaled])
        prior = np.diag([0.0, *[SLOPE**-2] * scaled.shape[1]])
        slopes = np.concatenate([[np.log(max(float(squares.mean()), 1e-300))], np.zeros(scaled.shape[1])])
        for _ in range(STEPS):
            ratio = squares * np.exp(-np.clip(design @ slopes, -700, 700))
            downhill = 0.5 * design.T @ (1.0 - ratio) + prior @ slopes
            # Expected curvature (Fisher scoring): always positive.
            step = np.linalg.solve(0.5 * design.T @ design + prior + 1e-9 * np.eye(len(slopes)), downhill)
            slopes = slopes - np.clip(step, -1.0, 1.0)
            if np.abs(step).max() < 1e-8:
                break
        return replace(self, slopes=slopes[1:])


@dataclass(frozen=True)
class FittedUneven(FittedLinear):
    """A linear model's posterior, and the law of its noise; `noise` is that of the typical measurement."""

    law: NoiseLaw

    def predict(self, features: Features) -> FactorPredictive:
        """As a linear model, each candidate with its own noise."""
        said = super().predict(features)
        relative = by_block(features, lambda block: self.law.of(block)[:, None])
        return FactorPredictive(
            said.mean,
            by_block(features, self.factor),
            noise=relative * self.noise,
            scale=self.outputs.deviation,
            spread=self.prior.spread * self.outputs.deviation,
        )

    def fingerprint(self) -> str:
        """Hash of the posterior and the law."""
        columns = np.array(self.law.columns)
        return fingerprint(super().fingerprint(), {"columns": columns, "slopes": self.law.slopes})


class UnevenLinear(DesignedLinear):
    """As `DesignedLinear`, with noise whose logarithm is linear in some features; results weigh by it.

    Slow-growing pairs of genes are read from fewer cells, so that they are noisier, and a choice by information that
    does not know it buys the noisiest. The law is found from the squared errors of the fit, each divided by what
    fitting leaves of it on average (one minus its leverage), and the fit is repeated.

    Source: variance-function regression, Carroll and Ruppert 1982 (Ann Statist 10, 429); the prior is that of
    `BayesianLinear`.

    Parameters
    ----------
    groups: as in `BayesianLinear`.
    noise_from: columns of the features that the noise depends on.
    """

    name: ClassVar[str] = "uneven-linear"

    def __init__(self, groups: Sequence[int] = (), noise_from: Sequence[int] = (0,)) -> None:
        super().__init__(groups)
        self.noise_from = tuple(noise_from)

    def fit(self, features: Array, values: Array, noise: Array | None = None, *, seed: int) -> FittedUneven:  # noqa: ARG002
        """Fit in closed form, then the law, and again; nothing is random.

        Raises
        ------
        DataError: known noise (a law is not needed then), or a column that is not there.
        """
        results = checked(features, values, None)
        if noise is not None or max(self.noise_from, default=-1) >= results.features.shape[1]:
            raise DataError(
                "noise is given, or is to depend on a feature that is not there",
                where=f"learner {self.name}",
                fix="give no noise and existing columns, or take the learner bayesian-linear",
            )
        units = Scale.of(results.features[:, self.noise_from])
        law = NoiseLaw(self.noise_from, units, np.zeros(len(self.noise_from)))
        with one_thread():
            fitted = self._fitted(results, law)
            for _ in range(ROUNDS):
                law = law.found(results.features, self._squares(fitted, results))
                fitted = self._fitted(results, law)
        return fitted

    def _fitted(self, results: Results, law: NoiseLaw) -> FittedUneven:
        members = self._members(results.features.shape[1])
        inputs, outputs = self._units(results.features), Scale.of(results.values)
        weighed = replace(results, noise=law.of(results.features)[:, None] * outputs.deviation**2)
        best = strongest(_whitened(weighed, 0.0, inputs, outputs, members, free=True)[0])
        prior = Prior(_deviations(best, members), 0.0, np.sqrt(best.variance), known=True)
        mean, root = posterior(weighed, prior, inputs, outputs)
        typical = (prior.spread * outputs.deviation) ** 2
        return FittedUneven(inputs, outputs, prior, mean, root, typical, law)

    def _squares(self, fitted: FittedUneven, results: Results) -> Array:
        """Squared errors in units of the typical noise, mean over outputs, corrected for what the fit took; (L,)."""
        design = fitted.factor(results.features)
        errors = fitted.law.of(results.features)
        leverage = np.einsum("lk,lk->l", design, design) / errors
        away = fitted.outputs.apply(results.values) - fitted._design(results.features) @ fitted.mean
        squares = ((away / fitted.prior.spread) ** 2).mean(axis=1)
        return np.asarray(squares / np.maximum(1.0 - leverage, 0.05))
