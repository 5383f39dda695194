"""From a score to what was recorded: a line for rates, a logistic curve for cuts; neither changes the order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from pajamo.models.pairs.base import Arrays, Task

Array = NDArray[np.float64]
_FREE = 1e6
_RISES = 1e-6
"""Least slope: a score that says nothing of the training rows still ranks others."""


@dataclass(frozen=True)
class Line:
    """Intercept and slope of the rate, or of the log odds of a cut."""

    intercept: float
    slope: float
    task: Task

    @classmethod
    def of(cls, score: Array, value: Array, task: Task) -> Line:
        """The best line by least squares, or by the likelihood."""
        about = score - score.mean()
        if task == "cut":
            fitted = LogisticRegression(C=_FREE, max_iter=1000).fit(about[:, None], value)
            slope, level = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
        else:
            slope, level = float(about @ value / max(about @ about, 1e-300)), float(value.mean())
        slope = max(slope, _RISES)
        return cls(level - slope * float(score.mean()), slope, task)

    @classmethod
    def read(cls, arrays: Mapping[str, np.ndarray], task: Task) -> Line:
        """From the numbers of `state`."""
        intercept, slope = (float(value) for value in arrays["line"])
        return cls(intercept, slope, task)

    def state(self) -> Arrays:
        """Its numbers, for a file."""
        return {"line": np.array([self.intercept, self.slope])}

    def __call__(self, score: Array) -> Array:
        """What is said of each score."""
        value = self.intercept + self.slope * score
        return np.asarray(expit(value) if self.task == "cut" else value)
