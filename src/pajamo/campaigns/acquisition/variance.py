"""Variance: candidates whose value the model knows least."""

from __future__ import annotations

from typing import ClassVar

from pajamo.campaigns.acquisition.base import ScoreAcquisition, Selection
from pajamo.campaigns.predictive import Array
from pajamo.campaigns.situation import Situation


class Variance(ScoreAcquisition):
    """Variance of the true value (not of its measurement), each output in units of its own scale."""

    name: ClassVar[str] = "variance"
    source: ClassVar[str] = "MacKay 1992 (Neural Computation 4, 590), section 3"
    unit: ClassVar[str] = "squared spreads of what was recorded"

    def score(self, situation: Situation) -> Array:
        """Sum over outputs of variance / scale^2."""
        return situation.values().diagonal()

    def why(self, selection: Selection, place: int) -> str:
        """How well the value is known."""
        error = max(float(selection.gains[place]), 0.0) ** 0.5
        return f"its value is known to within {error:.2g} spreads of what was recorded"
