"""Bayesian linear regression in closed form: the fastest learner, and often the one to beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from scipy.optimize import minimize_scalar

from pajamo.campaigns.features import Features
from pajamo.campaigns.learners.base import Fitted, Learner
from pajamo.campaigns.learners.blockwise import by_block, one_thread
from pajamo.campaigns.learners.evidence import Strength, Whitened, strongest
from pajamo.campaigns.learners.hashing import fingerprint
from pajamo.campaigns.learners.inputs import Results, checked
from pajamo.campaigns.learners.scaling import Scale, ScaledFeatures
from pajamo.campaigns.predictive import Array, FactorPredictive
from pajamo.campaigns.predictive.factor import downdated
from pajamo.errors import DataError

LEAST, MOST = 1e-6, 4.0
"""Range of the variance that known noise leaves unexplained, in units of what was recorded."""


@dataclass(frozen=True)
class Prior:
    """What the evidence has set, and what a further result does not change.

    Attributes
    ----------
    weights: standard deviation of each weight in units of `spread`; shape (F,).
    further: variance of errors beside the known noise, in units of `spread` squared.
    spread: of each output in units of its recorded standard deviation; shape (D,).
    known: whether the noise of results is known.
    """

    weights: Array
    further: float
    spread: Array
    known: bool = False


@dataclass(frozen=True)
class FittedLinear(Fitted):
    """A linear model's posterior.

    Attributes
    ----------
    inputs, outputs: units of features and values.
    prior: as the evidence has set it.
    mean: of the intercept and the weights, standardised; shape (1 + F, D).
    root: R with R R' their covariance where `spread` is 1; shape (1 + F, 1 + F).
    noise: variance of one further measurement of each output, in its own unit; shape (D,).
    """

    inputs: Scale
    outputs: Scale
    prior: Prior
    mean: Array
    root: Array
    noise: Array

    def predict(self, features: Features) -> FactorPredictive:
        """Gaussian of rank 1 + F; memory grows with candidates times features."""
        mean = by_block(features, lambda block: self._design(block) @ self.mean)
        factor = by_block(features, self.factor)
        return FactorPredictive(
            self.outputs.centre + mean * self.outputs.deviation,
            factor,
            noise=self.noise,
            scale=self.outputs.deviation,
            spread=self.prior.spread * self.outputs.deviation,
        )

    def factor(self, block: Array) -> Array:
        """Rows of F with F F' the covariance where `spread` is 1, for features (N, F); shape (N, 1 + F)."""
        return self._design(block) @ self.root

    def embed(self, features: Features) -> Features:
        """Features times the deviation of their weights: distances are differences that the prior expects."""
        return ScaledFeatures(features, self.inputs, self.prior.weights)

    def fingerprint(self) -> str:
        """Hash of units, prior and posterior."""
        return fingerprint(
            "bayesian-linear",
            {
                "inputs": np.stack([self.inputs.centre, self.inputs.deviation]),
                "outputs": np.stack([self.outputs.centre, self.outputs.deviation]),
                "spread": self.prior.spread,
                "weights": self.prior.weights,
                "mean": self.mean,
                "root": self.root,
                "noise": self.noise,
            },
        )

    def update(self, features: Array, values: Array, noise: Array | None = None) -> FittedLinear:
        """The posterior with further results, each in O(F^2); the prior and all units stay as they are.

        Raises
        ------
        DataError: a number that is missing, or known noise for some results only.
        """
        given = checked(features, values, noise, fewest=1)
        if (given.noise is None) == self.prior.known:
            raise DataError(
                "noise is known for some results and not for others",
                where=f"learner {BayesianLinear.name}",
                fix="give the noise of all results or of none, or fit again",
            )
        design, targets = self._design(given.features), self.outputs.apply(given.values)
        errors = known_noise(given, self.outputs) + self.prior.further
        mean, root = self.mean, self.root
        with one_thread():
            for row, target, error in zip(design, targets, errors, strict=True):
                seen = root.T @ row
                gain = root @ seen / (float(seen @ seen) + error)
                mean = mean + np.outer(gain, target - row @ mean)
                root = downdated(root, seen, float(error))
        return replace(self, mean=mean, root=root)

    def _design(self, features: Array) -> Array:
        return np.column_stack([np.ones(len(features)), self.inputs.apply(features)])


class BayesianLinear(Learner):
    """Gaussian prior on standardised features, as strong as the evidence says; D outputs share it.

    Where noise is known, it is taken as it is (its mean over outputs, each in units of what was recorded), and what
    it leaves unexplained is found as well. Where it is not, each output has errors of its own size.

    Source: Bishop 2006, Pattern Recognition and Machine Learning, sections 3.3 and 3.5; MacKay 1992 (Neural Comput
    4, 415).

    Parameters
    ----------
    groups: number of features in each group, in the order of columns; every group has a prior of its own strength.
        One group if not given.
    """

    name: ClassVar[str] = "bayesian-linear"

    def __init__(self, groups: Sequence[int] = ()) -> None:
        self.groups = tuple(groups)

    def fit(self, features: Array, values: Array, noise: Array | None = None, *, seed: int) -> FittedLinear:  # noqa: ARG002
        """Fit in closed form; nothing is random."""
        results = checked(features, values, noise)
        members = self._members(results.features.shape[1])
        inputs, outputs = self._units(results.features), Scale.of(results.values)
        with one_thread():
            prior = _best_prior(results, members, inputs, outputs)
            mean, root = posterior(results, prior, inputs, outputs)
        variance = prior.further * (prior.spread * outputs.deviation) ** 2
        if results.noise is not None:
            variance = variance + results.noise.mean(axis=0)
        return FittedLinear(inputs, outputs, prior, mean, root, variance)

    def _units(self, features: Array) -> Scale:
        return Scale.of(features)

    def _members(self, features: int) -> Array:
        groups = self.groups or (features,)
        if sum(groups) != features or min(groups) < 1:
            raise DataError(
                f"groups of {', '.join(map(str, groups))} features, and there are {features}",
                where=f"learner {self.name}",
                fix="give the number of features in each group, so that they add up",
            )
        return np.repeat(np.arange(len(groups)), groups)


def posterior(results: Results, prior: Prior, inputs: Scale, outputs: Scale) -> tuple[Array, Array]:
    """Mean (1 + F, D) and root of the covariance (1 + F, 1 + F) of intercept and weights, for a prior that is set."""
    data, errors, middle = _whitened(results, prior.further, inputs, outputs, np.zeros(0), free=False)
    design = data.features * prior.weights
    values, vectors = np.linalg.eigh(design.T @ design)
    root = prior.weights[:, None] * vectors / np.sqrt(1.0 + np.maximum(values, 0.0))
    weights = root @ (root.T @ (data.features.T @ data.values))
    centred = outputs.apply(results.values).T @ (1.0 / errors) / (1.0 / errors).sum()
    whole = np.zeros((len(root) + 1, len(root) + 1))
    whole[0, 0], whole[0, 1:], whole[1:, 1:] = (1.0 / errors).sum() ** -0.5, -middle @ root, root
    return np.vstack([centred - middle @ weights, weights]), whole


def known_noise(results: Results, outputs: Scale) -> Array:
    """Variance of each result in units of what was recorded, mean over outputs; shape (L,), zeros if not known."""
    if results.noise is None:
        return np.zeros(len(results))
    return np.asarray((results.noise / outputs.deviation**2).mean(axis=1))


def _best_prior(results: Results, members: Array, inputs: Scale, outputs: Scale) -> Prior:
    """The prior, and where noise is known the variance that it leaves, that have the most evidence."""
    if results.noise is None:
        best = strongest(_whitened(results, 1.0, inputs, outputs, members, free=True)[0])
        return Prior(_deviations(best, members), 1.0, np.sqrt(best.variance))

    def found(logarithm: float) -> Strength:
        further = float(np.exp(logarithm))
        return strongest(_whitened(results, further, inputs, outputs, members, free=False)[0])

    bounds = (float(np.log(LEAST)), float(np.log(MOST)))
    logarithm = minimize_scalar(
        lambda at: found(at).lost, bounds=bounds, method="bounded", options={"xatol": 0.05}
    ).x
    strength = found(float(logarithm))
    return Prior(
        _deviations(strength, members), float(np.exp(logarithm)), np.sqrt(strength.variance), known=True
    )


def _deviations(strength: Strength, members: Array) -> Array:
    return np.asarray(np.sqrt((strength.prior / np.bincount(members))[members]))


def _whitened(
    results: Results, further: float, inputs: Scale, outputs: Scale, members: Array, *, free: bool
) -> tuple[Whitened, Array, Array]:
    """Results in units of their errors without their weighted mean, the errors' variances, and the mean features."""
    errors = known_noise(results, outputs) + further
    share = (1.0 / errors) / (1.0 / errors).sum()
    features, values = inputs.apply(results.features), outputs.apply(results.values)
    middle = share @ features
    root = np.sqrt(errors)[:, None]
    size = np.sqrt(np.bincount(members)[members]) if len(members) else 1.0
    constant = float(np.log(errors).sum() + np.log((1.0 / errors).sum()))
    whitened = Whitened(
        (features - middle) / root / size, (values - share @ values) / root, members, free, constant
    )
    return whitened, errors, middle
