"""Scaled Salt: combinations reach a common share of the sum of their singles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from pajamo.config import Config
from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.errors import ModelError
from pajamo.mechanisms.composition import part_incidence, scales
from pajamo.models.base import Array, Card
from pajamo.models.parts.singles import INTERACTION_SD, MAIN_EFFECT, SumOfSingles
from pajamo.models.registry import register


class ScaledSaltSettings(Config):
    """Settings of scaled Salt."""

    classes: int = Field(default=1, ge=1)
    """Shares that are fitted: one for all pairs, or one for each class of pairs. Classes hold equal
    numbers of training doubles, in the order of how alike the two singles' responses are (cosine)."""


@register
class ScaledSalt(SumOfSingles):
    """delta(A) = alpha^(|A| - 1) * sum of the singles, alpha by least squares on training doubles.

    alpha = sum <delta_ab, s_ab> / sum |s_ab|^2 with s_ab = delta_a + delta_b, over all doubles or over
    those of one class. Its standard error is the jackknife's over doubles.
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
        assumes=frozenset({"order-free", "complete-editing"}),
    )

    Settings = ScaledSaltSettings

    edges: Array
    alpha: Array
    alpha_se: Array

    def prepare(self, training: TrainingSet) -> None:
        """Fit the shares on the doubles whose singles were both measured."""
        del training
        assert isinstance(self.settings, ScaledSaltSettings)
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
        fitted = [conditions[row] for row in np.flatnonzero(doubles)]
        classes = min(self.settings.classes, len(fitted))
        likeness = self._likeness(fitted)
        self.edges = np.quantile(likeness, np.arange(1, classes) / classes)
        of = self._classes(fitted)
        products, squares = (delta[doubles] * total).sum(axis=1), (total**2).sum(axis=1)
        shares = [_share(products[of == k], squares[of == k]) for k in range(classes)]
        self.alpha, self.alpha_se = (np.array(column) for column in zip(*shares, strict=True))

    def scale(self, conditions: Sequence[Condition]) -> Array:
        """1 for singles, alpha of their class for doubles, its square for triples."""
        return scales(conditions, self.alpha[self._classes(conditions)])

    def _classes(self, conditions: Sequence[Condition]) -> NDArray[np.intp]:
        """Class of each condition, 0 for the least alike singles."""
        return np.searchsorted(self.edges, self._likeness(conditions), side="right")

    def _likeness(self, conditions: Sequence[Condition]) -> Array:
        """Mean cosine between the responses of a condition's singles; 0 for a single alone."""
        members = part_incidence(conditions, self.measured.conditions)
        length = np.linalg.norm(self.measured.delta, axis=1, keepdims=True)
        unit = self.measured.delta / np.where(length > 0, length, 1.0)
        number = members.sum(axis=1)
        among = np.einsum("ij,ij->i", members @ unit, members @ unit) - number
        return np.asarray(among / np.maximum(number * (number - 1), 1.0))

    def respond(self, conditions: Sequence[Condition]) -> tuple[Array, Array]:
        """The scaled sums; the error of alpha adds to the variance."""
        delta, sd = super().respond(conditions)
        orders = np.array([max(condition.order - 1, 0) for condition in conditions])[:, None]
        of = self._classes(conditions)
        relative = np.divide(
            self.alpha_se,
            self.alpha,
            out=np.zeros_like(self.alpha),
            where=(self.alpha_se > 0) & (self.alpha != 0),
        )
        return delta, np.hypot(sd, orders * delta * relative[of, None])

    def weights(self) -> pd.DataFrame:
        """Alpha first, then what Salt has."""
        number = len(self.alpha)
        names = [f"doubles, likeness class {k + 1} of {number}" for k in range(number)]
        alpha = {
            "quantity": "alpha",
            "of": names if number > 1 else ["doubles"],
            "value": self.alpha,
            "se": self.alpha_se,
            "unit": "1",
        }
        return pd.concat([pd.DataFrame(alpha), super().weights()], ignore_index=True)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Salt's arrays, and the shares with their errors and classes."""
        return {**super().state(), "alpha": self.alpha, "alpha_se": self.alpha_se, "edges": self.edges}

    def restore(self, state: dict[str, NDArray[np.generic]], facts: dict[str, object]) -> None:
        """Take back what `state` and `facts` gave."""
        super().restore(state, facts)
        self.alpha, self.alpha_se, self.edges = (
            np.asarray(state[name], dtype=float) for name in ("alpha", "alpha_se", "edges")
        )


def _share(products: Array, squares: Array) -> tuple[float, float]:
    """Ratio of sums over doubles, and its jackknife standard error; infinite is never returned."""
    n = len(products)
    alpha = products.sum() / squares.sum()
    rest = squares.sum() - squares
    if n < 2 or not rest.all():
        return float(alpha), 0.0
    without = (products.sum() - products) / rest
    return float(alpha), float(np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum()))
