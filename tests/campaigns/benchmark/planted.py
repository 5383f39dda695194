"""Small experiments with known answers, and learners that need no library."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

import numpy as np

from pajamo.campaigns.acquisition.base import ScoreAcquisition
from pajamo.campaigns.benchmark.task import Protocol, Task
from pajamo.campaigns.features import Features, stacked
from pajamo.campaigns.learners.base import Fitted, Learner
from pajamo.campaigns.predictive import Array, ClassPredictive, FactorPredictive
from pajamo.campaigns.situation import Situation, Target


class FittedRidge(Fitted):
    """Posterior of a linear model with unit prior and known noise."""

    def __init__(self, features: Array, values: Array, noise: float) -> None:
        design = np.column_stack([np.ones(len(features)), features])
        precision = np.eye(design.shape[1]) + design.T @ design / noise
        self.root = np.linalg.cholesky(np.linalg.inv(precision))
        self.mean = np.linalg.solve(precision, design.T @ values / noise)
        self.noise = noise

    def predict(self, features: Features) -> FactorPredictive:
        whole = stacked(features)
        design = np.column_stack([np.ones(len(whole)), whole])
        return FactorPredictive(design @ self.mean, design @ self.root, noise=self.noise)

    def fingerprint(self) -> str:
        return hashlib.sha256(self.mean.tobytes()).hexdigest()


class Ridge(Learner):
    """Closed form, without hyperparameters."""

    name: ClassVar[str] = "test-ridge"

    def __init__(self, noise: float = 0.01) -> None:
        self.noise = noise

    def fit(self, features: Array, values: Array, noise: Array | None = None, *, seed: int) -> FittedRidge:
        return FittedRidge(features, values, self.noise)


class FittedNeighbours(Fitted):
    """Probability of each class by distance to what was measured."""

    def __init__(self, features: Array, classes: Array) -> None:
        self.features, self.classes = features, classes[:, 0].astype(int)

    def predict(self, features: Features) -> ClassPredictive:
        away = ((stacked(features)[:, None] - self.features[None]) ** 2).sum(axis=2)
        weights = np.exp(-(away - away.min(axis=1, keepdims=True)))
        found = weights @ np.eye(self.classes.max() + 1)[self.classes]
        return ClassPredictive(found / found.sum(axis=1, keepdims=True))

    def fingerprint(self) -> str:
        return hashlib.sha256(self.features.tobytes()).hexdigest()


class Neighbours(Learner):
    """Softly nearest neighbours."""

    name: ClassVar[str] = "test-neighbours"

    def fit(
        self, features: Array, values: Array, noise: Array | None = None, *, seed: int
    ) -> FittedNeighbours:
        return FittedNeighbours(features, values)


class Highest(ScoreAcquisition):
    """The highest predicted readout."""

    name: ClassVar[str] = "test-highest"
    source: ClassVar[str] = "none"

    def score(self, situation: Situation) -> Array:
        return situation.target.of(situation.values().mean)


def line_task(size: int = 60, seed: int = 0, **changes: Any) -> Task:
    """A readout that is linear in three features, measured twice with noise .1."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((size, 3))
    truth = features @ np.array([2.0, -1.0, 0.5])
    measurements = truth[:, None, None] + 0.1 * rng.standard_normal((size, 2, 1))
    settings: dict[str, Any] = {
        "name": "line",
        "title": "a line",
        "features": features,
        "measurements": measurements,
        "learner": Ridge(),
        "protocol": Protocol(5, 3, 5),
        "kind": "values",
        "test": 15,
        "share": 0.2,
        "target": Target(),
    }
    return Task(**(settings | changes))


def cloud_task(**changes: Any) -> Task:
    """Three classes that stand apart."""
    rng = np.random.default_rng(5)
    classes = np.repeat(np.arange(3), 20)
    features = np.array([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0]])[classes] + rng.standard_normal((60, 2))
    settings: dict[str, Any] = {
        "name": "clouds",
        "title": "three clouds",
        "features": features,
        "measurements": classes[:, None, None].astype(float),
        "learner": Neighbours(),
        "protocol": Protocol(3, 2, 4, begin="one per class"),
        "kind": "classes",
        "test": 15,
    }
    return Task(**(settings | changes))
