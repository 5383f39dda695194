"""A sum over positions seen through a sigmoid: the usual regression with global epistasis, without any kinetics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

import numpy as np
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit

from pajamo.data.assays.pairs.pairing import Codes
from pajamo.models.pairs.base import Array, Arrays, Learned, PairModel, Task
from pajamo.models.pairs.features import shared_differences

STRENGTHS = (1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
"""Penalties of the squared weights per row, of which the best on the rows kept aside is taken."""
STEPS = 300
Loss = Callable[[Array, Array], tuple[Array, Array]]
"""From the sums and what was recorded to the loss of each row and its slope by the sum."""


class Additive(PairModel):
    """Slowest rate + range x sigmoid(constant + weights of what differs); or the probability of a cut.

    Attributes
    ----------
    low, high: slowest and fastest rate of the training rows, in log10; 0 and 1 for cuts.
    weights: the constant, then one a position and channel, shape (1 + features,).
    """

    name: ClassVar[str] = "additive-sigmoid"
    title: ClassVar[str] = "weights of positions added, seen through a sigmoid"

    def _learn(self, learned: Learned) -> None:
        rows, aside, value = learned.train, learned.aside, learned.value
        self.low, self.high = limits(value[rows], self.task)
        table = shared_differences(learned.codes, self.task)
        loss = _logistic if self.task == "cut" else self._squared
        best = np.inf
        weights = np.zeros(1 + table.shape[1])
        for strength in reversed(STRENGTHS):
            # From the stiffest on, each starts where the one before came to rest.
            weights = minimise(table[rows], value[rows], loss, strength, weights)
            missed = float(loss(table[aside] @ weights[1:] + weights[0], value[aside])[0].mean())
            if missed < best:
                best, self.weights = missed, weights

    def _squared(self, total: Array, value: Array) -> tuple[Array, Array]:
        share, span = expit(total), self.high - self.low
        missed = self.low + span * share - value
        return missed**2 / 2, missed * span * share * (1 - share)

    def _say(self, codes: Codes) -> Array:
        total = shared_differences(codes, self.task) @ self.weights[1:] + self.weights[0]
        return np.asarray(self.low + (self.high - self.low) * expit(total))

    def _state(self) -> Arrays:
        return {"weights": self.weights, "limits": np.array([self.low, self.high])}

    def _restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        self.weights = arrays["weights"]
        self.low, self.high = (float(value) for value in arrays["limits"])


def limits(value: Array, task: Task) -> tuple[float, float]:
    """Ends of the sigmoid: the slowest and fastest rate; of probabilities 0 and 1."""
    return (0.0, 1.0) if task == "cut" else (float(value.min()), float(value.max()))


def _logistic(total: Array, value: Array) -> tuple[Array, Array]:
    return np.logaddexp(0.0, total) - value * total, expit(total) - value


def minimise(table: sparse.csr_array, value: Array, loss: Loss, strength: float, start: Array) -> Array:
    """Weights (the constant first) at which mean loss + strength x squares / 2 is least; the constant is free."""

    def objective(weights: Array) -> tuple[float, Array]:
        each, slope = loss(table @ weights[1:] + weights[0], value)
        gradient = np.append(slope.mean(), table.T @ slope / len(value) + strength * weights[1:])
        return float(each.mean() + strength * (weights[1:] @ weights[1:]) / 2), gradient

    found = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    return np.asarray(found.x)
