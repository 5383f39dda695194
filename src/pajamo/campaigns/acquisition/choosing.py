"""The one door to every acquisition: what it is given is whole, and what it chooses can be done."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pajamo.campaigns.acquisition.base import Acquisition, Selection
from pajamo.campaigns.situation import Situation
from pajamo.errors import DataError, ModelError, warn


def choose_batch(acquisition: Acquisition, situation: Situation, number: int) -> Selection:
    """Choose `number` candidates.

    Pending candidates are conditioned on. Candidates of which the model says something that is not finite are left
    out with a warning: a missing prediction is neither sure nor unsure.

    Raises
    ------
    DataError: an empty pool, or fewer available candidates than are asked for.
    ModelError: the model does not predict what the acquisition needs, or not for these candidates.
    """
    _check(situation, number)
    selection = acquisition.choose(_ready(situation, number), number)
    rows = selection.rows
    if len(rows) != number or len(np.unique(rows)) != number or not situation.available[rows].all():
        raise ModelError(
            f"{acquisition.name} chose {len(np.unique(rows))} different candidates that can be measured, of {number}",
            where="acquisition",
            fix="an acquisition has to choose different rows that are available",
        )
    return selection


def _check(situation: Situation, number: int) -> None:
    if situation.size == 0:
        raise DataError(
            "the pool of candidates is empty", where="candidates", fix="give candidates to choose from"
        )
    if situation.predictive is not None and situation.predictive.size != situation.size:
        raise ModelError(
            f"the model predicts {situation.predictive.size:,} candidates, the pool has {situation.size:,}",
            where="predictive distribution",
        )
    free = int(situation.available.sum())
    if number < 1 or number > free:
        raise DataError(
            f"a batch of {number:,} is asked for, and {free:,} candidates can be chosen",
            where="candidates",
            why=f"of {situation.size:,}, {len(situation.pending):,} are pending",
            fix="ask for a batch between 1 and the number that is left",
        )


def _ready(situation: Situation, number: int) -> Situation:
    """The situation with pending candidates conditioned on, and without candidates that cannot be judged."""
    predictive = situation.predictive
    if predictive is None:
        return situation
    whole = predictive.finite()
    missing = int((situation.available & ~whole).sum())
    if missing:
        warn(f"{missing:,} candidates are left out: the model's prediction for them is not finite")
    if int((situation.available & whole).sum()) < number:
        raise ModelError(
            f"predictions are finite for too few candidates: a batch of {number:,} is asked for",
            where="predictive distribution",
            fix="find out why the model gives NaN or infinite values",
        )
    pending = situation.pending[whole[situation.pending]]
    if len(pending):
        predictive = predictive.condition(pending)
    return replace(situation, predictive=predictive, available=situation.available & whole)
