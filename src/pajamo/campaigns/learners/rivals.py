"""Rival models of the same candidates: how probable each is by now, and what each predicts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from scipy.stats import norm

from pajamo.campaigns.features import Features
from pajamo.campaigns.learners.base import Fitted, Learner
from pajamo.campaigns.predictive import Array, ValuePredictive
from pajamo.campaigns.predictive.rivals import RivalPredictive
from pajamo.errors import ModelError

FOLDS = 5
"""Parts of the results, each of which is predicted from the others."""
LEAST = 1e-6
"""Probability that a rival keeps, however badly it predicts: five folds cannot rule it out."""


class Rivals(Learner):
    """Several learners, each with the weight that its predictions of held-back results earn it.

    Results are cut into folds; each rival predicts every fold from the others, and its weight is in proportion to the
    likelihood of all of these results (pseudo-Bayesian model averaging, Yao et al. 2018, Bayesian Analysis 13, 917).
    With the acquisition `model-discrimination` the next batch is what tells the rivals apart.

    Parameters
    ----------
    learners: rivals by name, of values; two or more.
    folds: parts of the results.
    always: tells from their features which results every rival learns from and none is judged by; none if not given.

    Raises
    ------
    ModelError: fewer than two rivals.
    """

    name: ClassVar[str] = "rivals"

    def __init__(
        self,
        learners: Mapping[str, Learner],
        folds: int = FOLDS,
        always: Callable[[Array], NDArray[np.bool_]] | None = None,
    ) -> None:
        if len(learners) < 2:
            raise ModelError(
                "fewer than two rivals leave nothing to tell apart", where="rivals", fix="give two or more"
            )
        self.learners, self.folds, self.always = dict(learners), folds, always

    def fit(self, features: Array, values: Array, noise: Array | None = None, *, seed: int) -> FittedRivals:
        """Fit every rival, and weigh it by what it predicts of results that it has not seen."""
        fold = self._folds(features, seed)
        scale = values.std(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        scores, fitted = [], {}
        for name, learner in self.learners.items():
            scores.append(_held_out(learner, features, values, noise, fold, seed))
            fitted[name] = learner.fit(features, values, noise, seed=seed)
        weights = np.maximum(softmax(np.array(scores)), LEAST)
        return FittedRivals(fitted, weights / weights.sum(), scale)

    def _folds(self, features: Array, seed: int) -> NDArray[np.intp]:
        """Which part each result belongs to, -1 where it is never held back; shape (L,)."""
        kept = np.zeros(len(features), dtype=bool) if self.always is None else self.always(features)
        judged = np.flatnonzero(~kept)
        fold = np.full(len(features), -1)
        fold[judged] = np.random.default_rng([seed, 7]).permutation(len(judged)) % max(
            min(self.folds, len(judged)), 1
        )
        return fold


class FittedRivals(Fitted):
    """Rivals that have seen results.

    Attributes
    ----------
    fitted: each by its name.
    weights: probability of each, shape (M,).
    scale: one unit of each output, shape (D,).
    """

    def __init__(self, fitted: Mapping[str, Fitted], weights: Array, scale: Array) -> None:
        self.fitted, self.weights, self.scale = dict(fitted), weights, scale

    def predict(self, features: Features) -> RivalPredictive:
        """The mixture of what the rivals predict."""
        found = [_values(one.predict(features), name) for name, one in self.fitted.items()]
        for one in found:
            one.scale = self.scale
        return RivalPredictive(found, self.weights, list(self.fitted))

    def embed(self, features: Features) -> Features:
        """The space of the most probable rival."""
        return list(self.fitted.values())[int(self.weights.argmax())].embed(features)

    def fingerprint(self) -> str:
        """Hash of all rivals and their weights."""
        digest = hashlib.sha256(self.weights.tobytes() + self.scale.tobytes())
        for name, one in self.fitted.items():
            digest.update(f"{name} {one.fingerprint()}".encode())
        return digest.hexdigest()


def _held_out(
    learner: Learner, features: Array, values: Array, noise: Array | None, fold: np.ndarray, seed: int
) -> float:
    """Log likelihood of every result that is held back, each predicted from the folds that it is not in."""
    total = 0.0
    for part in np.unique(fold[fold >= 0]):
        held = fold == part
        fitted = learner.fit(
            features[~held], values[~held], None if noise is None else noise[~held], seed=seed
        )
        said = _values(fitted.predict(features[held]), learner.name)
        around = said.noise if noise is None else np.maximum(said.noise, noise[held])
        spread = np.sqrt(np.maximum(said.variance + around, np.finfo(float).tiny))
        total += float(np.sum(norm.logpdf(values[held], said.mean, spread)))
    return total


def _values(predictive: object, name: str) -> ValuePredictive:
    if not isinstance(predictive, ValuePredictive):
        raise ModelError(
            f"the rival {name!r} predicts classes", where="rivals", fix="give learners of values"
        )
    return predictive
