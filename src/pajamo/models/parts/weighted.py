"""Base of every model whose prediction is a weighted sum of measured changes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.errors import ModelError, shorten
from pajamo.models.base import Array, Model
from pajamo.models.parts.measured import Measured
from pajamo.models.parts.scatter import excess_variance

MOST_PROBES = 500
"""Conditions that are left out in turn to measure the scatter; more would only cost time."""


class Weighted(Model):
    """delta(A) = sum_i w_i(A) delta_i over training conditions i.

    A subclass says which weights (`mixture`). The standard deviation of a prediction has two parts:
    the sampling error of the measured means and controls, and how far training conditions, each left
    out in turn, lie from their own prediction beyond sampling (`pajamo.models.parts.scatter`).
    """

    why_not: ClassVar[str] = "nothing that was measured resembles it"
    """Why a condition may get no weights at all."""

    measured: Measured
    scatter: Array

    @abstractmethod
    def mixture(self, conditions: Sequence[Condition], *, without_self: bool = False) -> Array:
        """Weights of the training conditions, shape (conditions, training conditions).

        A row of zeros says that the model cannot predict the condition. With `without_self` a
        condition that is itself in training gets no weight in its own prediction.
        """

    def prepare(self, training: TrainingSet) -> None:
        """Set what `mixture` needs beside the measured changes.

        Raises
        ------
        ModelError: the training set lacks what the model rests on.
        """

    def probes(self) -> list[int]:
        """Rows of the measured conditions whose own prediction shows the scatter."""
        rows = range(len(self.measured.conditions))
        step = max(1, -(-len(rows) // MOST_PROBES))
        return list(rows[::step])

    def pairs(self, conditions: Sequence[Condition]) -> Array:
        """How many times the scatter enters each condition's variance; shape (conditions,)."""
        seen = self.measured.position()
        mixture = self.mixture(conditions)
        exact = [c in seen and mixture[row, seen[c]] == 1.0 for row, c in enumerate(conditions)]
        return 1.0 - np.array(exact, dtype=float)

    def refusal(self, training: TrainingSet, conditions: Sequence[Condition]) -> str | None:
        """The reason, where training lacks what the model rests on or a condition gets no weights."""
        probe = type(self)(self.settings, seed=self.seed)
        try:
            probe.measured = Measured.of(training)
            probe.prepare(training)
            probe.require(conditions, probe.mixture(conditions))
        except ModelError as error:
            return error.what + (f": {error.why}" if error.why else "")
        return None

    def estimate(self, training: TrainingSet) -> None:
        """Keep the measured changes, and measure the scatter around their predictions."""
        self.measured = Measured.of(training)
        self.prepare(training)
        self.scatter = self.measure_scatter()

    def measure_scatter(self) -> Array:
        """Variance of training conditions around their own prediction beyond sampling; shape (genes,)."""
        rows = self.probes()
        mixture = self.mixture([self.measured.conditions[row] for row in rows], without_self=True)
        possible = np.flatnonzero(mixture.any(axis=1))
        return excess_variance(*self.measured.residuals([rows[i] for i in possible], mixture[possible]))

    def respond(self, conditions: Sequence[Condition]) -> tuple[Array, Array]:
        """The weighted sums; their errors from cells, controls and scatter."""
        mixture = self.mixture(conditions)
        self.require(conditions, mixture)
        delta, variance = self.measured.combine(mixture)
        return delta, np.sqrt(variance + self.pairs(conditions)[:, None] * self.scatter)

    def require(self, conditions: Sequence[Condition], mixture: Array) -> None:
        """Check that every condition but controls got weights.

        Raises
        ------
        ModelError: naming those that did not.
        """
        empty = ~mixture.any(axis=1)
        unable = [str(c) for c, none in zip(conditions, empty, strict=True) if none and not c.is_control]
        if unable:
            raise ModelError(f"{self.card.name} cannot predict {shorten(unable)}", why=self.why_not)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Measured changes and scatter."""
        return {**self.measured.state(), "scatter": self.scatter}

    def facts(self) -> dict[str, object]:
        """Names of the measured conditions."""
        return self.measured.facts()

    def restore(self, state: dict[str, NDArray[np.generic]], facts: dict[str, object]) -> None:
        """Take back what `state` and `facts` gave."""
        self.measured = Measured.restored(state, facts)
        self.scatter = np.asarray(state["scatter"], dtype=float)
