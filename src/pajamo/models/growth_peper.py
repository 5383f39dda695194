"""Peper for a growth map: the law of Salt-LS and a symmetric low-rank interaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from pajamo.mechanisms.growth import GrowthLaw
from pajamo.mechanisms.low_rank import complete
from pajamo.models.base import Array, Card
from pajamo.models.parts.growth_base import GrowthMap, GrowthModel, regression
from pajamo.models.parts.singles import INTERACTION_SD
from pajamo.models.registry import register

THRESHOLDS = (1.0, 0.8, 0.65, 0.53, 0.43, 0.35, 0.28, 0.23, 0.19, 0.15, 0.12)
"""Path of thresholds, relative to the largest eigenvalue of the first residuals."""
BACKFITS = 2
ROUNDS = 12
VALIDATION_SHARE = 5
"""One pair in so many is set aside to choose the threshold."""
FEWEST_TO_VALIDATE = 50
"""With fewer pairs no threshold can be chosen, and no interaction is added."""

INTERACTION = "interaction"


@register
class GrowthPeper(GrowthModel):
    """Law and interaction are fitted in turn: each to what the other leaves of the measured pairs.

    The interaction is completed to unmeasured pairs by expectation and maximisation
    (`pajamo.mechanisms.low_rank`), at thresholds that fall along a path; the path ends where the
    error on a fifth of the pairs, set aside, was smallest.
    """

    card = Card(
        name="growth-peper",
        title="Growth: curve, gene effects and low-rank interactions",
        reference="matrix completion as Mazumder et al. 2010, J. Mach. Learn. Res. 11:2287, on the residuals of "
        "the quadratic surface of Horlbeck et al. 2018, Cell 174:953",
        needs="one phenotype (growth, a reporter's signal) for singles and pairs, control at zero; each gene "
        "in many pairs",
        weights={
            "curve": "how a pair's phenotype depends on its two singles, in the phenotype's unit and powers of it",
            "gene effect": "shift of all pairs of a gene, in the phenotype's unit",
            "gene slope": "how much more a gene's pairs respond to their partner's single, 1",
            INTERACTION: "part of a pair's phenotype that genes acting alike share, in the phenotype's unit",
            INTERACTION_SD: "how far pairs lie from their prediction, in the phenotype's unit",
        },
        limits="fills in what similar genes show: nothing for a gene in few pairs, and no interaction at all "
        f"with fewer than {FEWEST_TO_VALIDATE} pairs",
        assumes=frozenset({"order-free"}),
    )

    def fit_law(self, growth: GrowthMap) -> tuple[GrowthLaw, Array]:
        """Choose the threshold on pairs set aside, then follow the path on all pairs."""
        if len(growth.pairs) < FEWEST_TO_VALIDATE:
            return regression(growth).solve(growth.phenotypes), np.zeros((len(growth.genes),) * 2)
        aside = np.random.default_rng(self.seed).permutation(len(growth.pairs)) < (
            len(growth.pairs) // VALIDATION_SHARE
        )
        count = _best_length(growth.rows(~aside), growth.rows(aside))
        *_, last = _path(growth, THRESHOLDS[:count])
        return last

    def weights(self) -> pd.DataFrame:
        """The law's coefficients, and the interaction of every pair of genes."""
        assert self.reference is not None
        first, second = np.triu_indices(len(self.genes), 1)
        names = np.array(self.genes, dtype=object)
        table = pd.DataFrame(
            {
                "quantity": INTERACTION,
                "of": names[first] + "+" + names[second],
                "value": self.interaction[first, second],
                "se": np.nan,
                "unit": self.reference.unit,
            }
        )
        return pd.concat([super().weights(), table], ignore_index=True)


def _best_length(learning: GrowthMap, aside: GrowthMap) -> int:
    """How many thresholds to go down: to the smallest error on the pairs set aside."""
    errors: list[float] = []
    for law, interaction in _path(learning, THRESHOLDS):
        predicted = law.predict(aside.pairs) + interaction[aside.pairs[:, 0], aside.pairs[:, 1]]
        errors.append(float(((predicted - aside.phenotypes) ** 2).mean()))
        if len(errors) > 2 and errors[-1] > errors[-2] > errors[-3]:
            break
    return int(np.argmin(errors)) + 1


def _path(growth: GrowthMap, thresholds: Sequence[float]) -> Iterator[tuple[GrowthLaw, Array]]:
    """Law and interaction at each threshold, each begun from the one before."""
    genes = len(growth.genes)
    first, second = growth.pairs.T
    mask = np.zeros((genes, genes), dtype=bool)
    mask[first, second] = mask[second, first] = True
    fit, interaction = regression(growth), np.zeros((genes, genes))
    largest = 0.0
    for threshold in thresholds:
        for _ in range(BACKFITS):
            law = fit.solve(growth.phenotypes - interaction[first, second])
            left = np.zeros((genes, genes))
            left[first, second] = left[second, first] = growth.phenotypes - law.predict(growth.pairs)
            largest = largest or float(np.abs(np.linalg.eigvalsh(left)).max())
            interaction = complete(left, mask, interaction, max(threshold * largest, 1e-12), ROUNDS)
        yield law, interaction
