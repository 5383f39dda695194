"""Linear maps from descriptions of proteins to their property, with a penalty that is chosen on validation."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from pajamo.data.pseudobulk import Array

STRENGTHS: Final = tuple(10.0**power for power in range(-5, 3))
"""Penalties that are tried: what the squared weights of standardised descriptions cost, beside the mean loss."""
ROUNDS: Final = 300
"""Of the fit of a logistic regression at most."""
LEAST: Final = 1e-12


@dataclass(frozen=True)
class Scale:
    """Each column of descriptions, less its mean, over its standard deviation, in what is learned from."""

    centre: Array
    spread: Array

    @classmethod
    def of(cls, described: Array) -> Scale:
        """Learn from rows."""
        spread = described.std(axis=0)
        return cls(described.mean(axis=0), np.where(spread > LEAST, spread, 1.0))

    def __call__(self, described: Array) -> Array:
        """Standardised rows."""
        return (described - self.centre) / self.spread


@dataclass(frozen=True)
class Ridge:
    """A linear map to numbers; weights are of shape (columns,)."""

    scale: Scale
    weights: Array
    constant: float
    strength: float

    def __call__(self, described: Array) -> Array:
        """Numbers, shape (rows,)."""
        return self.constant + self.scale(described) @ self.weights


@dataclass(frozen=True)
class Logistic:
    """A linear map to log odds of classes.

    Attributes
    ----------
    fitted: scikit-learn's model of the classes that were learned from.
    classes: of all; those that were never seen have probability 0.
    """

    scale: Scale
    fitted: Any
    classes: int
    strength: float

    def __call__(self, described: Array) -> Array:
        """Probabilities, shape (rows, classes)."""
        found = np.zeros((len(described), self.classes))
        if len(described):
            found[:, self.fitted.classes_] = self.fitted.predict_proba(self.scale(described))
        return found


def fit_ridge(described: Array, numbers: Array, kept: Array, kept_numbers: Array) -> Ridge:
    """The ridge regression whose squared error on validation is least.

    Minimises (1/n) sum (y - x.w)^2 + strength |w|^2 for each strength, by one decomposition of the columns' moments.

    Parameters
    ----------
    described, numbers: what is learned from; shapes (n, columns) and (n,).
    kept, kept_numbers: of validation.
    """
    scale = Scale.of(described)
    columns, centre = scale(described), float(numbers.mean())
    values, directions = np.linalg.eigh(columns.T @ columns / len(columns))
    along = directions.T @ (columns.T @ (numbers - centre)) / len(columns)
    fits = [Ridge(scale, directions @ (along / (values + one)), centre, one) for one in STRENGTHS]
    return min(fits, key=lambda fit: float(((fit(kept) - kept_numbers) ** 2).mean()))


def fit_logistic(
    described: Array,
    labels: NDArray[np.int64],
    kept: Array,
    kept_labels: NDArray[np.int64],
    classes: int,
) -> Logistic:
    """The logistic regression whose log loss on validation is least.

    Minimises (1/n) sum -ln p + (strength / 2) |w|^2 for each strength.

    Parameters
    ----------
    described, labels: what is learned from; shapes (n, columns) and (n,).
    kept, kept_labels: of validation.
    classes: how many there are, those included that were not learned from.
    """
    scale = Scale.of(described)
    columns = scale(described)
    fits = [Logistic(scale, _fitted(columns, labels, one), classes, one) for one in STRENGTHS]
    return min(fits, key=lambda fit: _nats(fit(kept), kept_labels))


def _fitted(columns: Array, labels: NDArray[np.int64], strength: float) -> Any:
    model = LogisticRegression(C=1 / (strength * len(columns)), max_iter=ROUNDS)
    with warnings.catch_warnings():
        # Weak penalties may not have converged; validation judges them as they are.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(columns, labels)


def _nats(probabilities: Array, labels: NDArray[np.int64]) -> float:
    true = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(true, LEAST)).mean())
