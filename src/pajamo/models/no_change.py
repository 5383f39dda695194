"""Baseline: nothing happens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.models.base import Array, Card, Model
from pajamo.models.registry import register


@register
class NoChange(Model):
    """Predict the control of the same context and time."""

    card = Card(
        name="no-change",
        title="No change",
        reference="the null model of Ahlmann-Eltze et al. 2025, Nature Methods 22:1657",
        needs="controls in every context and at every time",
        weights={},
        limits="knows nothing of perturbations; its correlation with a change is undefined",
        baseline=True,
    )

    def estimate(self, training: TrainingSet) -> None:
        """Nothing to estimate: the reference holds the controls."""

    def respond(self, conditions: Sequence[Condition]) -> tuple[Array, Array]:
        """No change, as uncertain as the control's own mean."""
        assert self.reference is not None
        variance = self.reference.control_variance[self.reference.rows(conditions)]
        return np.zeros_like(variance), np.sqrt(variance)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """No arrays of its own."""
        return {}

    def facts(self) -> dict[str, object]:
        """No facts of its own."""
        return {}

    def restore(self, state: dict[str, NDArray[np.generic]], facts: dict[str, object]) -> None:
        """Nothing to take back."""
