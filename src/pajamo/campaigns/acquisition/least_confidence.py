"""Least confidence: candidates whose most probable class is the least probable."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from pajamo.campaigns.acquisition.base import ScoreAcquisition, Selection
from pajamo.campaigns.predictive import Array
from pajamo.campaigns.situation import Situation


class LeastConfidence(ScoreAcquisition):
    """How far the most probable class is from being certain; 0 where it is, 1 where all classes are alike."""

    name: ClassVar[str] = "least-confidence"
    source: ClassVar[str] = "Lewis and Gale 1994 (SIGIR, 3); normalised as by Settles 2009, section 3.1"

    def score(self, situation: Situation) -> Array:
        """(1 - max_c p_c) C / (C - 1) of the mean probabilities."""
        mean = situation.classes().mean
        classes = mean.shape[1]
        return np.asarray((1.0 - mean.max(axis=1)) * classes / max(classes - 1, 1))

    def why(self, selection: Selection, place: int) -> str:
        """How unsure the model is of the class."""
        return f"its most probable class is {100 * selection.gains[place]:.0f} % of the way to a mere guess"
