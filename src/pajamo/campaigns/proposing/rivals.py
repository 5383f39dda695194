"""Rival models that a study declares: made, told of in words, and what a batch says of which one is right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pajamo.campaigns.acquisition.base import Acquisition
from pajamo.campaigns.acquisition.discrimination import ModelDiscrimination, distinct_draws
from pajamo.campaigns.acquisition.simulated_results import SimulatedResults
from pajamo.campaigns.features import Features
from pajamo.campaigns.learners.registry import learner_of
from pajamo.campaigns.learners.response import ResponseModel
from pajamo.campaigns.learners.rivals import Rivals
from pajamo.campaigns.predictive import Array, Predictive, Rows
from pajamo.campaigns.predictive.rivals import RivalPredictive
from pajamo.campaigns.proposing.objectives import Objective
from pajamo.campaigns.situation import Situation
from pajamo.config.campaigns.learner import ResponseSettings, RivalsSettings


def rivals_by_features(settings: RivalsSettings) -> Rivals:
    """Rivals that predict candidates from their features."""
    found = {
        name: learner_of(one)
        for name, one in settings.rivals.items()
        if not isinstance(one, ResponseSettings)
    }
    return Rivals(found, settings.folds)


def response_of(settings: ResponseSettings, sets: list[tuple[str, ...]], space: Features) -> ResponseModel:
    """A model of responses of these combinations of perturbations."""
    return ResponseModel(settings.name, sets, space, members=settings.members, settings=settings.settings)


def rivals_by_perturbations(settings: RivalsSettings, sets: list[tuple[str, ...]], space: Features) -> Rivals:
    """Rival models of responses; they are weighed by combinations alone.

    A model that adds up what perturbations do alone cannot be asked to predict with one of them held back.

    Parameters
    ----------
    sets: perturbations of each candidate of the pool.
    space: features of the pool in which distances are meant.
    """
    found = {
        name: response_of(one, sets, space)
        for name, one in settings.rivals.items()
        if isinstance(one, ResponseSettings)
    }
    single = np.array([len(one) == 1 for one in sets])
    return Rivals(found, settings.folds, always=lambda features: single[features[:, 0].astype(np.intp)])


def told_of_rivals(predictive: Predictive | None) -> tuple[str, ...]:
    """How probable each rival is by now."""
    if not isinstance(predictive, RivalPredictive):
        return ()
    order = np.argsort(-predictive.weights, kind="stable")
    listed = ", ".join(f"{predictive.names[place]} {predictive.weights[place]:.3g}" for place in order)
    return (f"probability of each rival, by its predictions of results held back: {listed}",)


@dataclass(frozen=True)
class WhichRival(Objective):
    """What the results of a batch are expected to say of which rival is right.

    Attributes
    ----------
    predictive: of the rivals.
    awaited: candidates whose results come first.
    chooser: how many experiments are simulated, and with how many draws of each rival.
    seed: of the simulated experiments, which are the same for every batch of the same size.
    """

    predictive: RivalPredictive
    awaited: Rows
    chooser: ModelDiscrimination
    seed: int
    unit: ClassVar[str] = "nats about which rival is right"

    def gains(self, rows: Rows) -> Array:
        """By how much each result adds to the log probability of the rival that made it."""
        part, rng = (
            self.predictive.take(np.concatenate([rows, self.awaited])),
            np.random.default_rng(self.seed),
        )
        draws = distinct_draws(part, self.chooser.draws)
        results = SimulatedResults(part, draws, self.chooser.simulations, rng)
        for place in range(len(rows), part.size):
            results.add(place)
        found = np.zeros(len(rows))
        for place in range(len(rows)):
            found[place] = results.information(np.array([place]))[0]
            results.add(place)
        return found


def discriminating(chooser: Acquisition, situation: Situation, rng: np.random.Generator) -> WhichRival | None:
    """The yardstick of a batch that is chosen to tell rivals apart; None for every other batch."""
    if not isinstance(chooser, ModelDiscrimination) or not isinstance(situation.predictive, RivalPredictive):
        return None
    known = situation.predictive.finite()
    awaited = situation.pending[known[situation.pending]]
    return WhichRival(situation.predictive, awaited, chooser, int(rng.integers(2**31)))
