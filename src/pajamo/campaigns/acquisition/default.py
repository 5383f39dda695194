"""The default policy: what to choose by, given the goal and how much is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np

from pajamo.campaigns.acquisition.base import Acquisition, Selection
from pajamo.campaigns.acquisition.diverse_margin import DiverseMargin
from pajamo.campaigns.acquisition.k_means import KMeans
from pajamo.campaigns.acquisition.lcmd import LargestClusterMaximumDistance
from pajamo.campaigns.acquisition.probability_of_hit import ProbabilityOfHit
from pajamo.campaigns.acquisition.thompson import Thompson
from pajamo.campaigns.predictive import ClassPredictive
from pajamo.campaigns.situation import Situation
from pajamo.errors import StudyError, nearest

Goal = Literal["model", "hits", "optimum"]
ENOUGH_PER_CLASS = 3.0
"""Results a class from which a classifier's own doubts are followed. Chosen on MNIST, breast cancer, wine and other
splits of digits than are reported: with 2 to 5 the area under the curve is highest, the same within its spread."""
SPREAD_OF_WORLDS = 0.5
"""Of the worlds in which hits are looked for, as a share of what the model holds possible.

Compared with 0 (greedy), 1/4 and 1 (Thompson sampling), upper confidence bounds, probabilities of a hit and
halves of two, on other targets or seeds than are reported: interleukin 2 in two donors, Sanchez 2021, pairs of
Norman and Horlbeck, concrete, diabetes; by trees, linear models, Gaussian processes. On none were there fewer hits
than with 1, in the mean over 1 to 8 seeds. On average it loses least to the best of each (1.6 %, as 1/4 does; greedy
2.6 %; 1: 5.6 %), most on Sanchez (13 %; 1: 31 %).
"""


@dataclass(frozen=True)
class Decided(Selection):
    """A batch, the acquisition that chose it, and why that one.

    Attributes
    ----------
    by: the acquisition that chose.
    because: in words.
    """

    by: Acquisition
    because: str


class Default(Acquisition):
    """Switches by goal and by how much is known.

    goal "model" (small errors everywhere): candidates that stand for unseen parts of the pool first; once there are
    enough results a class, candidates of doubtful class, spread. For values, LCMD in the learner's own space. Top-k
    uncertainty does worse than random there, and looking for hits costs 10 to 25 % of a model's error.

    goal "hits" (as many good candidates as can be had): the probability of a hit where a threshold says what one is,
    else coherent Thompson sampling, with worlds half as far from what is expected as the model's draws: a screen of
    few rounds has no time to find out what is unlikely. goal "optimum" (the best candidate): coherent Thompson
    sampling.

    Before there is a model every goal begins with k-means.

    Parameters
    ----------
    goal: "model", "hits" or "optimum".
    enough_per_class: results a class from which doubts are followed.

    Raises
    ------
    StudyError: an unknown goal.
    """

    name: ClassVar[str] = "default"
    source: ClassVar[str] = (
        "switch from coverage to doubts: Hacohen et al. 2022 (arXiv 2202.02794), section 3; parts: see each"
    )

    def __init__(self, goal: Goal = "model", enough_per_class: float = ENOUGH_PER_CLASS) -> None:
        if goal not in get_args(Goal):
            raise StudyError(
                f"there is no goal {goal!r}",
                where="acquisition default",
                fix=f"{nearest(goal, get_args(Goal))}choose {', '.join(get_args(Goal))}",
            )
        self.goal, self.enough_per_class = goal, enough_per_class

    def choose(self, situation: Situation, number: int) -> Selection:
        """By what the situation asks for."""
        acquisition, because = self.decide(situation)
        found = acquisition.choose(situation, number)
        return Decided(found.rows, found.gains, found.scores, acquisition, because)

    def why(self, selection: Selection, place: int) -> str:
        """Why this candidate, and why it was chosen by that acquisition."""
        if not isinstance(selection, Decided):
            return super().why(selection, place)
        return f"{selection.by.why(selection, place)} ({selection.by.name}: {selection.because})"

    def decide(self, situation: Situation) -> tuple[Acquisition, str]:
        """The acquisition for this situation, and why it."""
        if situation.predictive is None:
            return KMeans(), "there is no model yet"
        if self.goal == "hits" and situation.target.threshold is not None:
            return ProbabilityOfHit(), "hits are wanted, and the threshold says what one is"
        if self.goal == "hits":
            return Thompson(spread=SPREAD_OF_WORLDS), "as many good candidates as can be had are wanted"
        if self.goal == "optimum":
            return Thompson(), "the best candidate is wanted"
        if isinstance(situation.predictive, ClassPredictive):
            return self._of_classes(situation, situation.predictive)
        return LargestClusterMaximumDistance(), "small errors everywhere are wanted"

    def _of_classes(self, situation: Situation, classes: ClassPredictive) -> tuple[Acquisition, str]:
        known = int(np.isfinite(situation.measured).all(axis=1).sum())
        each = known / classes.probabilities.shape[2]
        said = f"{known} results are {each:.1f} a class"
        if each < self.enough_per_class:
            return KMeans(), f"{said}, too few for doubts to mean much"
        return DiverseMargin(), f"{said}, enough to follow doubts"
