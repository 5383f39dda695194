"""What a user brings in Python and no study file can hold: a model or an acquisition of their own."""

from __future__ import annotations

from dataclasses import dataclass

from pajamo.campaigns.acquisition.base import Acquisition
from pajamo.campaigns.learners.base import Learner


@dataclass(frozen=True)
class Brought:
    """Objects that stand in for what a study names; to replay a round the same ones have to be given again.

    Attributes
    ----------
    learner: predicts in place of the study's model (`pajamo.campaigns.learners`).
    acquisition: chooses in place of the study's.
    """

    learner: Learner | None = None
    acquisition: Acquisition | None = None


NOTHING = Brought()
