"""Predictions of the members of an ensemble, put into the form that acquisitions read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pajamo.campaigns.features import Features
from pajamo.campaigns.learners.blockwise import by_block
from pajamo.campaigns.predictive import Array, ClassPredictive, SampledPredictive

MOST_DRAWS = 64
"""Draws that an ensemble is summed up to: a covariance is known no better by more, and each costs a pass."""


def grouped(draws: Array, number: int = MOST_DRAWS) -> Array:
    """Fewer draws with the same mean and, as expected, the same covariance; shape (at most number, N, D).

    Members are averaged in groups, and a group of g members stands sqrt(g) times as far from the mean as it does.
    """
    if len(draws) <= number:
        return draws
    middle = draws.mean(axis=0)
    parts = np.array_split(draws, number)
    found = np.stack([middle + np.sqrt(len(part)) * (part.mean(axis=0) - middle) for part in parts])
    return np.asarray(found + (middle - found.mean(axis=0)))


def values_of(
    features: Features, members: Sequence[Any], noise: Array, scale: Array, most: int = MOST_DRAWS
) -> SampledPredictive:
    """One draw from each member that predicts values.

    Parameters
    ----------
    members: each with a `predict` from features (N, F) to (N,) or (N, D).
    noise, scale: of each output, shape (D,).
    """

    def predict(block: Array) -> Array:
        return grouped(np.stack([_columns(member.predict(block)) for member in members]), most)

    return SampledPredictive(by_block(features, predict, axis=1), noise, scale)


def classes_of(
    features: Features, members: Sequence[Any], seen: Sequence[Array], number: int
) -> ClassPredictive:
    """Probabilities of each member.

    Parameters
    ----------
    members: each with a `predict_proba` from features (N, F) to (N, classes it has seen).
    seen: class numbers of those columns, for each member.
    number: of all classes; one that a member has never seen has probability zero.
    """

    def predict(block: Array) -> Array:
        found = np.zeros((len(members), len(block), number))
        for place, (member, classes) in enumerate(zip(members, seen, strict=True)):
            found[place][:, np.asarray(classes, dtype=np.intp)] = member.predict_proba(block)
        # Members that compute in single precision sum to one only so far.
        return np.asarray(found / found.sum(axis=2, keepdims=True))

    return ClassPredictive(by_block(features, predict, axis=1))


def _columns(values: Any) -> Array:
    found = np.asarray(values, dtype=float)
    return found[:, None] if found.ndim == 1 else found
