"""Baseline: every perturbation looks like the average one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pajamo.data.conditions import Condition
from pajamo.models.base import Array, Card
from pajamo.models.parts.averages import average_of
from pajamo.models.parts.weighted import Weighted
from pajamo.models.registry import register


@register
class MeanPerturbation(Weighted):
    """The mean change over training perturbations of the same context and time, else over all of them."""

    card = Card(
        name="mean-perturbation",
        title="Mean of the training perturbations",
        reference="Kernfeld et al. 2023 and Ahlmann-Eltze et al. 2025, Nature Methods 22:1657",
        needs="training perturbations",
        weights={},
        limits="the same prediction for every perturbation; it scores well wherever perturbed cells differ "
        "from controls in a common way, such as stress",
        baseline=True,
    )

    def mixture(self, conditions: Sequence[Condition], *, without_self: bool = False) -> Array:
        """Equal weights of the perturbations of the setting, or of all."""
        everything = np.ones(len(self.measured.conditions), dtype=bool)
        return average_of(conditions, self.measured.conditions, everything, without_self)
