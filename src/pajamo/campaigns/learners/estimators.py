"""Any scikit-learn estimator as a learner: what it says of its own uncertainty is used, or resampling says it."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from pajamo.campaigns.features import Features
from pajamo.campaigns.learners.base import Fitted, Learner
from pajamo.campaigns.learners.blockwise import by_block, one_thread
from pajamo.campaigns.learners.hashing import fingerprint
from pajamo.campaigns.learners.independent import IndependentPredictive
from pajamo.campaigns.learners.inputs import Results, checked, class_numbers
from pajamo.campaigns.learners.members import classes_of, values_of
from pajamo.campaigns.learners.scaling import Scale
from pajamo.campaigns.learners.seeding import drawn_rows, seeded, seeds
from pajamo.campaigns.predictive import Array, Predictive
from pajamo.errors import ModelError

FEWEST = 10
"""Models below which a bootstrap ensemble's variance is not worth having."""


@dataclass(frozen=True)
class FittedEstimator(Fitted):
    """One estimator with a standard deviation of its own, or the members of an ensemble.

    Attributes
    ----------
    members: fitted estimators.
    seen: class numbers of each member's columns; empty where values are recorded.
    classes: number of classes, 0 where values are recorded.
    noise, scale: of each output, shape (D,).
    learnt: hash of the results, the seed, the estimator's plain settings, and what each member says of the results.
    """

    members: list[Any]
    seen: list[Array]
    classes: int
    noise: Array
    scale: Array
    learnt: str

    def predict(self, features: Features) -> Predictive:
        """Probabilities of classes, draws of values, or means with standard deviations of their own."""
        if self.classes:
            return classes_of(features, self.members, self.seen, self.classes)
        if len(self.members) > 1:
            return values_of(features, self.members, self.noise, self.scale)
        said = by_block(features, self._said, axis=1)
        return IndependentPredictive(said[0], said[1], self.noise, self.scale)

    def fingerprint(self) -> str:
        """Hash of what the fit depends on: an estimator of any kind has no arrays that all others have."""
        return fingerprint("estimator", {"learnt": self.learnt})

    def _said(self, block: Array) -> Array:
        mean, deviation = self.members[0].predict(block, return_std=True)
        return np.stack([np.reshape(part, (len(block), -1)) for part in (mean, deviation)])


class Estimator(Learner):
    """Any estimator of scikit-learn.

    A regressor that is an ensemble of models whose mean it predicts gives one draw a member; one that predicts a
    standard deviation (`return_std`) gives candidates that err independently; any other is fitted to bootstrap
    samples, one draw each (Efron and Tibshirani 1993). A classifier gives the probabilities of its members if it is
    an ensemble, those of bootstrap samples if `members` is given, or else its own alone, with which acquisitions
    that need members (BALD) see nothing to learn.

    Parameters
    ----------
    estimator: of scikit-learn; it is cloned, its seeds are set by that of the round, and it runs in one process.
    members: of a bootstrap ensemble, at least 10; if given, resampling is used whatever the estimator offers.
    classes: number of classes; as many as were seen if not given.

    Raises
    ------
    ModelError: neither a regressor nor a classifier with probabilities, or too few members.
    """

    name: ClassVar[str] = "estimator"

    def __init__(self, estimator: Any, members: int | None = None, classes: int | None = None) -> None:
        from sklearn.base import is_classifier, is_regressor

        self.estimator, self.members, self.classes = estimator, members, classes
        self.classifies = bool(is_classifier(estimator))
        kind = type(estimator).__name__
        if self.classifies and not hasattr(estimator, "predict_proba"):
            raise ModelError(
                f"{kind} gives no probabilities",
                where=f"learner {kind}",
                fix="wrap it in CalibratedClassifierCV, or switch its probabilities on",
            )
        if not self.classifies and not is_regressor(estimator):
            raise ModelError(
                f"{kind} is neither a regressor nor a classifier of scikit-learn",
                where="learner",
                fix="give an estimator, or a function by `FunctionLearner`",
            )
        if members is not None and members < FEWEST:
            raise ModelError(f"{members} members: at least {FEWEST} are needed", where=f"learner {kind}")

    def fit(
        self, features: Array, values: Array, noise: Array | None = None, *, seed: int
    ) -> FittedEstimator:
        """Fit to results; the seed sets every random state and the bootstrap samples."""
        results = checked(features, values, noise)
        targets, number = self._targets(results)
        with one_thread():
            members = self._members(results.features, targets, seed)
            learnt = self._learnt(results, seed, members)
        seen = [_classes(member, targets) for member in members] if number else []
        measured = np.zeros(results.outputs) if results.noise is None else results.noise.mean(axis=0)
        scale = np.ones(1) if number else Scale.of(results.values).deviation
        return FittedEstimator(members, seen, number, measured, scale, learnt)

    @property
    def _resampled(self) -> bool:
        return self.members is not None

    def _targets(self, results: Results) -> tuple[np.ndarray, int]:
        if self.classifies:
            return class_numbers(results.values, self.classes)
        one = results.outputs == 1
        return results.values[:, 0] if one else results.values, 0

    def _members(self, features: Array, targets: np.ndarray, seed: int) -> list[Any]:
        if not self._resampled:
            single = self._fitted(features, targets, seed)
            inside = _inside(single, features, self.classifies)
            if inside:
                return inside
            if self.classifies or _gives_deviation(single):
                return [single]
        parts = seeds(seed, 2 * (self.members or FEWEST))
        return [
            self._fitted(features[rows], targets[rows], own)
            for own, rows in (
                (own, drawn_rows(len(targets), chosen))
                for own, chosen in zip(parts[::2], parts[1::2], strict=True)
            )
        ]

    def _fitted(self, features: Array, targets: np.ndarray, seed: int) -> Any:
        try:
            return seeded(self.estimator, seed).fit(features, targets)
        except ValueError as error:
            raise ModelError(
                f"{type(self.estimator).__name__} could not be fitted: {error}",
                where=f"learner {type(self.estimator).__name__}",
                fix="mend its settings"
                if targets.ndim == 1
                else "several outputs need an estimator that takes them, such as MultiOutputRegressor",
            ) from error

    def _learnt(self, results: Results, seed: int, members: list[Any]) -> str:
        settings = sorted(
            (key, value)
            for key, value in self.estimator.get_params(deep=True).items()
            if value is None or isinstance(value, bool | int | float | str)
        )
        verb = "predict_proba" if self.classifies else "predict"
        said = [np.asarray(getattr(member, verb)(results.features)) for member in members]
        parts = {f"member {place:06d}": part for place, part in enumerate(said)}
        parts |= {"features": results.features, "values": results.values, "seed": np.array(seed)}
        parts["noise"] = np.zeros(0) if results.noise is None else results.noise
        name = f"{type(self.estimator).__module__}.{type(self.estimator).__qualname__}"
        return fingerprint(f"{name} {settings} {self.members} {self.classes}", parts)


def _classes(member: Any, targets: np.ndarray) -> Array:
    """Class numbers of a classifier's columns; those inside an ensemble know only places among the ensemble's."""
    return np.unique(targets) if isinstance(member, _Member) else np.asarray(member.classes_)


def _gives_deviation(estimator: Any) -> bool:
    return "return_std" in inspect.signature(estimator.predict).parameters


@dataclass(frozen=True)
class _Member:
    """A member of an ensemble with the features that it was fitted to."""

    inner: Any
    columns: Any

    def predict(self, block: Array) -> Any:
        return self.inner.predict(block[:, self.columns])

    def predict_proba(self, block: Array) -> Any:
        return self.inner.predict_proba(block[:, self.columns])


def _inside(ensemble: Any, features: Array, classifies: bool) -> list[Any]:
    """Members whose mean is what the ensemble predicts; none where they correct one another, as in boosting."""
    inside = getattr(ensemble, "estimators_", None)
    verb = "predict_proba" if classifies else "predict"
    if not isinstance(inside, list) or len(inside) < 2 or not all(hasattr(one, verb) for one in inside):
        return []
    columns = getattr(ensemble, "estimators_features_", [slice(None)] * len(inside))
    members = [_Member(one, chosen) for one, chosen in zip(inside, columns, strict=True)]
    whole = np.asarray(getattr(ensemble, verb)(features))
    parts = [np.asarray(getattr(member, verb)(features)) for member in members]
    if any(part.shape != whole.shape for part in parts):
        return []
    return members if np.allclose(np.mean(parts, axis=0), whole, rtol=1e-5, atol=1e-8) else []


def from_sklearn(estimator: Any, *, members: int | None = None, classes: int | None = None) -> Estimator:
    """A learner from any scikit-learn estimator; see `Estimator`."""
    return Estimator(estimator, members, classes)
