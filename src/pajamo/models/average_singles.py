"""Baseline: a combination looks like the average of its singles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pajamo.data.conditions import Condition
from pajamo.models.base import Array, Card
from pajamo.models.parts.singles import INTERACTION_SD, MAIN_EFFECT, SumOfSingles
from pajamo.models.registry import register


@register
class AverageSingles(SumOfSingles):
    """delta(A) = mean over the genes a of A of delta(a)."""

    card = Card(
        name="average-singles",
        title="Average of the singles",
        reference="the matching-mean baseline of Viñas Torné et al. 2025 (Systema), Nature Biotechnology",
        needs="every single of a combination, in the same context and at the same time",
        weights={
            MAIN_EFFECT: "change of a measured gene's mean when one gene is perturbed, ln(1 + CP10K)",
            INTERACTION_SD: "how far training combinations lie from the average, per gene, ln(1 + CP10K)",
        },
        limits="two perturbations never do more than one: strong responses are underestimated",
        baseline=True,
        assumes=frozenset({"order-free", "complete-editing"}),
    )

    def scale(self, conditions: Sequence[Condition]) -> Array:
        """One over the number of genes."""
        return np.array([1.0 / max(condition.order, 1) for condition in conditions])
