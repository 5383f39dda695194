"""Margin: candidates whose two most probable classes are nearly as probable."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from pajamo.campaigns.acquisition.base import ScoreAcquisition, Selection
from pajamo.campaigns.predictive import Array
from pajamo.campaigns.situation import Situation


class Margin(ScoreAcquisition):
    """How near the two most probable classes are; 1 where they are equally probable, 0 where one is certain."""

    name: ClassVar[str] = "margin"
    source: ClassVar[str] = "Scheffer, Decomain and Wrobel 2001 (Advances in Intelligent Data Analysis, 309)"

    def score(self, situation: Situation) -> Array:
        """1 - (p_1 - p_2), of the two largest mean probabilities."""
        first, second = two_largest(situation.classes().mean)
        return 1.0 - (first - second)

    def why(self, selection: Selection, place: int) -> str:
        """How far the two classes are apart."""
        return f"its two most probable classes are {1.0 - selection.gains[place]:.2g} apart in probability"


def two_largest(probabilities: Array) -> tuple[Array, Array]:
    """The largest and the second largest of each row, each of shape (N,); the second of a single class is 0."""
    if probabilities.shape[1] == 1:
        return probabilities[:, 0], np.zeros(len(probabilities))
    ordered = np.partition(probabilities, -2, axis=1)
    return ordered[:, -1], ordered[:, -2]
