"""What is known when a batch is chosen."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from pajamo.campaigns.features import Features
from pajamo.campaigns.predictive import Array, ClassPredictive, Predictive, Rows, ValuePredictive
from pajamo.errors import ModelError


@dataclass(frozen=True)
class Target:
    """What makes a candidate good, where the goal is to find good ones.

    Attributes
    ----------
    weights: of the outputs in the readout that counts, shape (D,); the first output if not given.
    maximise: whether high readouts are wanted, or low ones.
    threshold: readout from which a candidate is a hit (up to which, where low ones are wanted).
    """

    weights: Array | None = None
    maximise: bool = True
    threshold: float | None = None

    @property
    def sign(self) -> float:
        """1 where high readouts are wanted, -1 where low ones are."""
        return 1.0 if self.maximise else -1.0

    def of(self, values: Array) -> Array:
        """The readout, upwards good; any shape (..., D) to (...)."""
        if self.weights is None:
            return np.asarray(self.sign * values[..., 0])
        return np.asarray(self.sign * (values @ self.weights))


@dataclass(frozen=True)
class Situation:
    """What is known when a batch is chosen. All features are in one space, the learner's own where it has one.

    Attributes
    ----------
    features: of all candidates, shape (N, F); they may come by block (`pajamo.campaigns.features.blocks`).
    available: candidates that may be chosen; shape (N,). Pending, forbidden and withdrawn ones may not.
    predictive: of all candidates, or None before there is a model.
    measured_features: of what was measured, shape (L, F).
    measured: values that were recorded, shape (L, D); NaN for measurements that failed. Class numbers in one column
        where classes are recorded.
    pending: candidates whose results are awaited; rows of the pool.
    target: what makes a candidate good.
    rng: of this round, made of the campaign's seed and the round's number.
    """

    features: Features
    available: NDArray[np.bool_]
    predictive: Predictive | None = None
    measured_features: Array = field(default_factory=lambda: np.zeros((0, 0)))
    measured: Array = field(default_factory=lambda: np.zeros((0, 1)))
    pending: Rows = field(default_factory=lambda: np.zeros(0, dtype=np.intp))
    target: Target = Target()
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    @property
    def size(self) -> int:
        """Number of candidates, N."""
        return len(self.available)

    @property
    def candidates(self) -> Rows:
        """Rows that may be chosen."""
        return np.flatnonzero(self.available)

    @property
    def seen_features(self) -> Array:
        """Features of what was measured, failed ones too, and of what is pending; shape (L + P, F)."""
        width = self.features.shape[1]
        measured = self.measured_features if len(self.measured_features) else np.zeros((0, width))
        return np.concatenate([measured, np.asarray(self.features[self.pending], dtype=float)])

    @property
    def incumbent(self) -> float:
        """The best readout so far, upwards good; minus infinity before there is one."""
        if not len(self.measured):
            return -np.inf
        readout = self.target.of(self.measured)
        found = readout[np.isfinite(readout)]
        return float(found.max()) if len(found) else -np.inf

    def values(self) -> ValuePredictive:
        """The predictive distribution of values.

        Raises
        ------
        ModelError: there is no model yet, or it predicts classes.
        """
        if not isinstance(self.predictive, ValuePredictive):
            raise self._unfit("values with their uncertainty")
        return self.predictive

    def classes(self) -> ClassPredictive:
        """The predictive probabilities of classes.

        Raises
        ------
        ModelError: there is no model yet, or it predicts values.
        """
        if not isinstance(self.predictive, ClassPredictive):
            raise self._unfit("probabilities of classes")
        return self.predictive

    def of_part(self, rows: Rows) -> Situation:
        """The same with some of the candidates only; pending ones must be among them."""
        place = np.full(self.size, -1)
        place[rows] = np.arange(len(rows))
        return replace(
            self,
            features=np.asarray(self.features[rows]),
            available=self.available[rows],
            predictive=None if self.predictive is None else self.predictive.take(rows),
            pending=place[self.pending],
        )

    def _unfit(self, needed: str) -> ModelError:
        given = "nothing" if self.predictive is None else type(self.predictive).__name__
        return ModelError(
            f"this acquisition needs {needed}, and the model gives {given}",
            where="acquisition",
            fix="fit a model first, or choose an acquisition that goes with what is recorded",
        )
