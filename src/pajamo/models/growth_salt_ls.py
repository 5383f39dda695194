"""Salt-LS for a growth map: a curve in the two singles, gene effects and gene slopes."""

from __future__ import annotations

import numpy as np

from pajamo.mechanisms.growth import GrowthLaw
from pajamo.models.base import Array, Card
from pajamo.models.parts.growth_base import GrowthMap, GrowthModel, regression
from pajamo.models.parts.singles import INTERACTION_SD
from pajamo.models.registry import register


@register
class GrowthSaltLs(GrowthModel):
    """The law of `pajamo.mechanisms.growth`, by ridge regression on all training pairs."""

    card = Card(
        name="growth-salt-ls",
        title="Growth: curve and gene effects",
        reference="quadratic surface of Horlbeck et al. 2018, Cell 174:953, with gene effects and slopes",
        needs="one phenotype (growth, a reporter's signal) for singles and pairs, control at zero",
        weights={
            "curve": "how a pair's phenotype depends on its two singles, in the phenotype's unit and powers of it",
            "gene effect": "shift of all pairs of a gene, in the phenotype's unit",
            "gene slope": "how much more a gene's pairs respond to their partner's single, 1",
            INTERACTION_SD: "how far pairs lie from their prediction, in the phenotype's unit",
        },
        limits="no interactions that are special to a pair",
        baseline=True,
        assumes=frozenset({"order-free"}),
    )

    def fit_law(self, growth: GrowthMap) -> tuple[GrowthLaw, Array]:
        """The law alone."""
        nothing = np.zeros((len(growth.genes), len(growth.genes)))
        return regression(growth).solve(growth.phenotypes), nothing
