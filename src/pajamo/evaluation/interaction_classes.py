"""Name a genetic interaction from its features, by rules that are written down."""

from __future__ import annotations

from collections.abc import Mapping

from pajamo.config import Config

CLASSES = (
    "additive",
    "synergy-similar",
    "synergy-dissimilar",
    "suppressor",
    "neomorphic",
    "redundant",
    "epistasis",
    "potentiation",
    "undetermined",
)


class Rules(Config):
    """Thresholds of the classes, asked in this order.

    The words are those of Norman et al. 2019 (Science 365:786, figs. 3 and 4), who drew the classes by
    eye from clustered features; the thresholds are pajamo's own, in the same features. `strength` is
    ||delta_ab|| / ||delta_a + delta_b||, noise taken off: 1 for additivity, 1/2 where two equal
    responses are not stronger together.
    """

    detected_from: float = 2.0
    """undetermined: the double's squared change is less than this many of its standard errors."""
    neomorphic_below: float = 0.5
    """neomorphic: the singles explain less than this share of the double."""
    suppressor_below: float = 0.4
    """suppressor: the double is weaker than this share of the sum of its singles."""
    redundant_below: float = 0.75
    """redundant: weaker than this, and the singles are alike."""
    similar_from: float = 0.6
    """Singles are alike from this distance correlation on; divides the two synergies."""
    equal_from: float = 0.5
    """One gene dominates where both the ratio of coefficients and the equality of contributions are
    below this: epistasis or potentiation."""
    stronger_from: float = 1.2
    """The double is stronger than its singles together: potentiation if one dominates, synergy if none."""


def classify(features: Mapping[str, float], rules: Rules | None = None) -> str:
    """One of CLASSES.

    Parameters
    ----------
    features: detection, explained, strength, similarity_singles, equality and dominance, as in
        `interaction_scores`.
    """
    rules = rules or Rules()
    alike = features["similarity_singles"] >= rules.similar_from
    if features["detection"] < rules.detected_from:
        return "undetermined"
    if features["explained"] < rules.neomorphic_below:
        return "neomorphic"
    if features["strength"] < rules.suppressor_below:
        return "suppressor"
    if alike and features["strength"] < rules.redundant_below:
        return "redundant"
    return _stronger_or_not(features, alike, rules)


def _stronger_or_not(features: Mapping[str, float], alike: bool, rules: Rules) -> str:
    stronger = features["strength"] >= rules.stronger_from
    if max(features["equality"], 10 ** -features["dominance"]) < rules.equal_from:
        return "potentiation" if stronger else "epistasis"
    if stronger:
        return "synergy-similar" if alike else "synergy-dissimilar"
    return "additive"
