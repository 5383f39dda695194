"""BALD: candidates of which the members of the model are each sure, and say different things."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from pajamo.campaigns.acquisition.base import ScoreAcquisition, Selection
from pajamo.campaigns.acquisition.entropy import entropies
from pajamo.campaigns.predictive import Array, ClassPredictive, ValuePredictive
from pajamo.campaigns.situation import Situation
from pajamo.errors import ModelError

BLOCK = 4096
"""Candidates looked at together, so that nothing as large as the members' probabilities is made twice."""


class Bald(ScoreAcquisition):
    """Mutual information between one candidate's result and which member of the model is right.

    A candidate that every member holds to be a coin flip has none: measuring it teaches nothing. Where values are
    recorded, it is the information that a noisy measurement gives about the true value.
    """

    name: ClassVar[str] = "bald"
    source: ClassVar[str] = "Houlsby et al. 2011 (arXiv 1112.5745), equation 2"
    unit: ClassVar[str] = "nats"

    def score(self, situation: Situation) -> Array:
        """Information in nats."""
        return information(situation)

    def why(self, selection: Selection, place: int) -> str:
        """What the result would tell."""
        return f"its result is expected to tell the model {selection.gains[place]:.3g} nats"


def information(situation: Situation) -> Array:
    """Mutual information of each candidate's result with what the model does not know; nats, shape (N,).

    Raises
    ------
    ModelError: no model, a single member, or values without their noise.
    """
    if isinstance(situation.predictive, ValuePredictive):
        return information_of_values(situation.predictive)
    return information_of_classes(situation.classes())


def information_of_classes(predictive: ClassPredictive) -> Array:
    """H[mean over members] - mean over members of H, candidate by candidate; never negative.

    Raises
    ------
    ModelError: a single member, which never disagrees with itself.
    """
    if predictive.members < 2:
        raise ModelError(
            "the model has a single member, and BALD reads the disagreement of members",
            where="predictive distribution",
            fix="give an ensemble (trees, networks, dropout masks), or choose margin or entropy",
        )
    found = np.empty(predictive.size)
    for start in range(0, predictive.size, BLOCK):
        part = predictive.probabilities[:, start : start + BLOCK]
        found[start : start + BLOCK] = entropies(part.mean(axis=0)) - entropies(part).mean(axis=0)
    return np.maximum(found, 0.0)


def information_of_values(predictive: ValuePredictive) -> Array:
    """1/2 sum over outputs of log(1 + variance / noise): free of units, as each output has its own noise.

    Raises
    ------
    ModelError: a noise of zero, with which a measurement would tell infinitely much.
    """
    known = np.isfinite(predictive.noise)
    if (predictive.noise[known] <= 0.0).any():
        raise ModelError(
            "a measurement without noise tells infinitely much about a value",
            where="predictive distribution",
            fix="give the variance of one measurement as noise, or choose variance",
        )
    ratio = np.maximum(predictive.variance, 0.0) / predictive.noise
    return np.asarray(0.5 * np.log1p(ratio).sum(axis=1))
