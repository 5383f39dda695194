"""Discrimination: candidates whose results tell which of rival mechanisms is right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pajamo.campaigns.acquisition.base import Acquisition, Selection, best_rows, open_scores
from pajamo.campaigns.acquisition.divergence import pairwise_information
from pajamo.campaigns.acquisition.greedy import best_row
from pajamo.campaigns.acquisition.simulated_results import SimulatedResults
from pajamo.campaigns.predictive import Array, Rows, SampledPredictive
from pajamo.campaigns.predictive.rivals import RivalPredictive
from pajamo.campaigns.situation import Situation
from pajamo.errors import ModelError, StudyError


@dataclass(frozen=True, kw_only=True)
class ModelDiscrimination(Acquisition):
    """Mutual information between the results of a batch and which rival is right.

    Each rival's draws are simulated experiments with the noise of a measurement; what is counted is how much the
    probability of the rival that made the result grows, its own draw left out, so that rivals that predict the
    same are never told apart by chance. Awaited candidates are the first members of every batch.

    Attributes
    ----------
    draws: of each rival; no more than the members that an ensemble has.
    simulations: experiments that are simulated, of all rivals by their weights.
    shortlist: candidates for which it is simulated, those of the highest upper bound (pairwise divergences of
        Gaussians), which is the score of every candidate.
    """

    name: ClassVar[str] = "model-discrimination"
    source: ClassVar[str] = (
        "Box and Hill 1967 (Technometrics 9, 57); bound: Kolchinsky and Tracey 2017, equation 10"
    )
    unit: ClassVar[str] = "nats"

    draws: int = 100
    simulations: int = 400
    shortlist: int = 100

    def __post_init__(self) -> None:
        if self.draws < 2 or self.simulations < 1 or self.shortlist < 1:
            raise StudyError(
                f"{self.draws} draws, {self.simulations} simulations and a shortlist of {self.shortlist}",
                where=self.name,
                fix="give at least 2 draws, 1 simulation and 1 candidate",
            )

    def choose(self, situation: Situation, number: int) -> Selection:
        """The greedy batch among the shortlist."""
        predictive = rivals_of(situation)
        known = predictive.finite()
        scores = open_scores(situation, np.where(known, pairwise_information(predictive), np.nan))
        open_ones = int(np.isfinite(scores).sum())
        short = best_rows(scores, min(max(self.shortlist, number), open_ones), situation.rng)
        awaited = situation.pending[known[situation.pending]]
        part = predictive.take(np.concatenate([short, awaited]))
        draws = distinct_draws(part, self.draws)
        results = SimulatedResults(part, draws, self.simulations, situation.rng)
        for place in range(len(short), part.size):
            results.add(place)
        chosen, gains = _batch(results, scores[short], number, situation.rng)
        return Selection(short[chosen], gains, scores)

    def why(self, selection: Selection, place: int) -> str:
        """What the result tells."""
        return (
            f"its result is expected to tell {selection.gains[place]:.3g} nats about which mechanism is right"
        )


def distinct_draws(predictive: RivalPredictive, draws: int) -> int:
    """Draws of each rival of which none is a copy: a copy of what made a result would vouch for its rival."""
    members = [len(rival.draws) for rival in predictive.rivals if isinstance(rival, SampledPredictive)]
    return min([draws, *members])


def rivals_of(situation: Situation) -> RivalPredictive:
    """The rivals' predictions, with the noise of their measurements.

    Raises
    ------
    ModelError: a model that is not a set of rivals, or measurements without noise.
    """
    predictive = situation.values()
    if not isinstance(predictive, RivalPredictive):
        raise ModelError(
            f"rivals are told apart by their predictions, and the model gives {type(predictive).__name__}",
            where="acquisition",
            fix="declare two models or more: [model] of kind `rivals`, with [model.rivals.NAME] for each",
        )
    if any((rival.noise[rival.finite()] <= 0.0).any() for rival in predictive.rivals):
        raise ModelError(
            "measurements without noise tell any two rivals apart",
            where="predictive distribution",
            fix="give the variance of one measurement as noise",
        )
    return predictive


def _batch(
    results: SimulatedResults, bounds: Array, number: int, rng: np.random.Generator
) -> tuple[Rows, Array]:
    chosen: Rows = np.zeros(number, dtype=np.intp)
    gains, barred = np.zeros(number), np.zeros(len(bounds))
    for place in range(number):
        found = results.information(np.arange(len(bounds), dtype=np.intp)) + barred
        row = best_row(found, rng, bounds)
        chosen[place], gains[place], barred[row] = row, found[row], np.nan
        results.add(row)
    return chosen, gains
