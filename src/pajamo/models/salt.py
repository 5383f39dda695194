"""Salt: effects of combinations are the sum of the singles' effects."""

from __future__ import annotations

from pajamo.models.base import Card
from pajamo.models.parts.singles import INTERACTION_SD, MAIN_EFFECT, SumOfSingles
from pajamo.models.registry import register


@register
class Salt(SumOfSingles):
    """mu_ab = mu_a + mu_b - mu_c in ln(1 + CP10K), and so on for higher orders.

    Additive in logarithms is multiplicative in counts.
    """

    card = Card(
        name="salt",
        title="Salt: sum of the singles",
        reference="Gaudelet et al. 2024, arXiv 2404.16907",
        needs="every single of a combination, in the same context and at the same time",
        weights={
            MAIN_EFFECT: "change of a measured gene's mean when one gene is perturbed, ln(1 + CP10K)",
            INTERACTION_SD: "how far training combinations lie from the sum, per gene, ln(1 + CP10K)",
        },
        limits="no interactions: most real combinations fall short of the sum; without combinations in "
        "training its standard deviation holds only the cells' noise",
        baseline=True,
        assumes=frozenset({"additive", "order-free", "complete-editing"}),
    )
