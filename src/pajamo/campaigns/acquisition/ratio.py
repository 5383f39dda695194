"""Ratio: candidates whose second most probable class is nearly as probable as the first."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from pajamo.campaigns.acquisition.base import ScoreAcquisition, Selection
from pajamo.campaigns.acquisition.margin import two_largest
from pajamo.campaigns.predictive import Array
from pajamo.campaigns.situation import Situation


class Ratio(ScoreAcquisition):
    """How many times as probable as the first class the second one is; between 0 and 1."""

    name: ClassVar[str] = "ratio"
    source: ClassVar[str] = "Munro Monarch 2021, Human-in-the-Loop Machine Learning, section 3.2.3"

    def score(self, situation: Situation) -> Array:
        """p_2 / p_1, of the two largest mean probabilities."""
        first, second = two_largest(situation.classes().mean)
        return np.asarray(second / first)

    def why(self, selection: Selection, place: int) -> str:
        """How the two classes compare."""
        return f"its second class is {selection.gains[place]:.2g} times as probable as its first"
