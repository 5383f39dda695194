"""Scaled Salt: combinations reach a common share of the sum of their singles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.errors import ModelError
from pajamo.mechanisms.composition import part_incidence, scales
from pajamo.models.base import Array, Card
from pajamo.models.registry import register
from pajamo.models.singles import INTERACTION_SD, MAIN_EFFECT, SumOfSingles


@register
class ScaledSalt(SumOfSingles):
    """delta(A) = alpha^(|A| - 1) * sum of the singles, alpha by least squares on training doubles.

    alpha = sum <delta_ab, s_ab> / sum |s_ab|^2 with s_ab = delta_a + delta_b. Its standard error is
    the jackknife's over doubles.
    """

    card = Card(
        name="scaled-salt",
        title="Scaled Salt",
        reference="Norman et al. 2019, Science 365:786, with one coefficient for all pairs; "
        "base law of Gaudelet et al. 2024, arXiv 2404.16907",
        needs="every single of a combination, and at least one training double with both singles",
        weights={
            "alpha": "share of the sum of the singles that doubles reach, dimensionless",
            MAIN_EFFECT: "change of a measured gene's mean when one gene is perturbed, ln(1 + CP10K)",
            INTERACTION_SD: "how far training doubles lie from the scaled sum, per gene, ln(1 + CP10K)",
        },
        limits="noise of the singles draws alpha below the true share; one share for synergy and suppression",
        baseline=True,
    )

    alpha: float
    alpha_se: float

    def prepare(self, training: TrainingSet) -> None:
        """Fit alpha on the doubles whose singles were both measured."""
        del training
        conditions, delta = self.measured.conditions, self.measured.delta
        singles = part_incidence(conditions, conditions)
        doubles = np.array([c.order == 2 and singles[row].sum() == 2 for row, c in enumerate(conditions)])
        total = singles[doubles] @ delta
        if not total.any():
            raise ModelError(
                f"{self.card.name} needs a training double with both of its singles",
                why="the share of the sum that doubles reach is estimated on them",
                fix="use salt, which needs no doubles",
            )
        self.alpha, self.alpha_se = _share((delta[doubles] * total).sum(axis=1), (total**2).sum(axis=1))

    def scale(self, conditions: Sequence[Condition]) -> Array:
        """1 for singles, alpha for doubles, its square for triples."""
        return scales(conditions, self.alpha)

    def respond(self, conditions: Sequence[Condition]) -> tuple[Array, Array]:
        """The scaled sums; the error of alpha adds to the variance."""
        delta, sd = super().respond(conditions)
        orders = np.array([max(condition.order - 1, 0) for condition in conditions])[:, None]
        from_alpha = orders * delta / self.alpha * self.alpha_se if self.alpha_se else np.zeros_like(delta)
        return delta, np.hypot(sd, from_alpha)

    def weights(self) -> pd.DataFrame:
        """Alpha first, then what Salt has."""
        alpha = {"quantity": "alpha", "of": "doubles", "value": self.alpha, "se": self.alpha_se, "unit": "1"}
        return pd.concat([pd.DataFrame([alpha]), super().weights()], ignore_index=True)

    def facts(self) -> dict[str, object]:
        """Names, and alpha with its error."""
        return {**super().facts(), "alpha": self.alpha, "alpha_se": self.alpha_se}

    def restore(self, state: dict[str, NDArray[np.generic]], facts: dict[str, object]) -> None:
        """Take back what `state` and `facts` gave."""
        super().restore(state, facts)
        self.alpha, self.alpha_se = float(str(facts["alpha"])), float(str(facts["alpha_se"]))


def _share(products: Array, squares: Array) -> tuple[float, float]:
    """Ratio of sums over doubles, and its jackknife standard error; infinite is never returned."""
    n = len(products)
    alpha = products.sum() / squares.sum()
    rest = squares.sum() - squares
    if n < 2 or not rest.all():
        return float(alpha), 0.0
    without = (products.sum() - products) / rest
    return float(alpha), float(np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum()))
