"""Entropy: candidates whose class is the most open."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.special import entr

from pajamo.campaigns.acquisition.base import ScoreAcquisition, Selection
from pajamo.campaigns.predictive import Array
from pajamo.campaigns.situation import Situation


class Entropy(ScoreAcquisition):
    """Shannon entropy of the class as a share of the largest one; exactly 0 where a class is certain."""

    name: ClassVar[str] = "entropy"
    source: ClassVar[str] = "Shannon 1948, section 6; as an acquisition: Settles 2009, section 3.1"

    def score(self, situation: Situation) -> Array:
        """- sum_c p_c log p_c / log C, of the mean probabilities."""
        mean = situation.classes().mean
        return np.asarray(entropies(mean) / np.log(max(mean.shape[1], 2)))

    def why(self, selection: Selection, place: int) -> str:
        """How open the class is."""
        return f"its class is open to {100 * selection.gains[place]:.0f} % of a mere guess"


def entropies(probabilities: Array) -> Array:
    """Entropy over the last axis in nats; 0 log 0 is 0, as it is in the limit."""
    return np.asarray(entr(np.clip(probabilities, 0.0, 1.0)).sum(axis=-1))
