"""At random: what every other acquisition has to beat."""

from __future__ import annotations

from typing import ClassVar

from pajamo.campaigns.acquisition.base import ScoreAcquisition
from pajamo.campaigns.predictive import Array
from pajamo.campaigns.situation import Situation


class Random(ScoreAcquisition):
    """Any candidates, all alike."""

    name: ClassVar[str] = "random"
    source: ClassVar[str] = "the control of every comparison"

    def score(self, situation: Situation) -> Array:
        """Uniform numbers."""
        return situation.rng.random(situation.size)
