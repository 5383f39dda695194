"""Measured changes, and weighted sums of them with the right errors.

Many predictors are weighted sums of measured changes, delta(A) = sum_i w_i(A) delta_i: an average of
perturbations, the nearest one, the sum of the singles. What differs is the weights. A change is a
mean minus the control of its setting, so that a control enters a sum with the sum of the weights of
its setting, and the errors of changes that share a control are correlated; both are kept exact here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.training_set import Setting, TrainingSet
from pajamo.models.base import Array


@dataclass(frozen=True)
class Measured:
    """Changes of some training conditions, sorted by condition so that their order cannot matter.

    Attributes
    ----------
    conditions: what was done.
    delta: change of each mean against its control, shape (conditions, genes).
    variance: squared standard error of each mean, without the control's, shape (conditions, genes).
    settings: context and time of each row of `control_variance`.
    control_variance: squared standard error of the controls' means, shape (settings, genes).
    """

    conditions: tuple[Condition, ...]
    delta: Array
    variance: Array
    settings: tuple[Setting, ...]
    control_variance: Array

    @classmethod
    def of(cls, training: TrainingSet, rows: Sequence[int] | NDArray[np.intp] | None = None) -> Measured:
        """Take the given rows of a training set, or all of them."""
        chosen = range(len(training.conditions)) if rows is None else rows
        order = np.array(sorted(chosen, key=lambda row: training.conditions[row]), dtype=np.intp)
        return cls(
            tuple(training.conditions[row] for row in order),
            training.delta[order],
            training.variance_of_mean[order],
            training.settings,
            training.control_variance_of_mean([Condition((), *setting) for setting in training.settings]),
        )

    def combine(self, weights: Array) -> tuple[Array, Array]:
        """Weighted sums of the changes and their squared standard errors; weights (queries, conditions)."""
        shared = weights @ self._in_setting(self.conditions)
        return weights @ self.delta, weights**2 @ self.variance + shared**2 @ self.control_variance

    def residuals(self, rows: Sequence[int], weights: Array) -> tuple[Array, Array]:
        """Measured minus combined change of some rows, and the variance that sampling gives to it.

        Parameters
        ----------
        rows: conditions that are predicted; each must have weight zero in its own prediction.
        weights: shape (rows, conditions).
        """
        chosen = np.asarray(rows, dtype=np.intp)
        own = self._in_setting([self.conditions[row] for row in chosen])
        shared = own - weights @ self._in_setting(self.conditions)
        noise = self.variance[chosen] + weights**2 @ self.variance + shared**2 @ self.control_variance
        return self.delta[chosen] - weights @ self.delta, noise

    def position(self) -> Mapping[Condition, int]:
        """Row of each condition."""
        return {condition: row for row, condition in enumerate(self.conditions)}

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Arrays to save."""
        return {
            "measured.delta": self.delta,
            "measured.variance": self.variance,
            "measured.control_variance": self.control_variance,
        }

    def facts(self) -> dict[str, object]:
        """Names to save."""
        return {
            "conditions": [condition.to_list() for condition in self.conditions],
            "settings": [list(setting) for setting in self.settings],
        }

    @classmethod
    def restored(cls, state: Mapping[str, NDArray[Any]], facts: Mapping[str, object]) -> Measured:
        """Read what `state` and `facts` gave."""
        conditions = cast("list[list[object]]", facts["conditions"])
        settings = cast("list[list[object]]", facts["settings"])
        return cls(
            tuple(Condition.from_list(values) for values in conditions),
            state["measured.delta"],
            state["measured.variance"],
            tuple((str(context), float(str(time))) for context, time in settings),
            state["measured.control_variance"],
        )

    def _in_setting(self, conditions: Sequence[Condition]) -> Array:
        """1 where a condition belongs to a setting, shape (conditions, settings)."""
        column = {setting: i for i, setting in enumerate(self.settings)}
        indicator = np.zeros((len(conditions), len(self.settings)))
        indicator[np.arange(len(conditions)), [column[c.setting] for c in conditions]] = 1.0
        return indicator
