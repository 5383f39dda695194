"""Relative distance: far from what is measured, in any metric, and far from the rest of the batch."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
from scipy.spatial.distance import cdist

from pajamo.campaigns.acquisition.base import Acquisition, Selection, open_scores
from pajamo.campaigns.acquisition.core_set import CoreSet
from pajamo.campaigns.acquisition.distances import Points, centre_of, floating
from pajamo.campaigns.features import Features, blocks
from pajamo.campaigns.predictive import Array, Rows
from pajamo.campaigns.situation import Situation
from pajamo.errors import StudyError, nearest

METRICS = ("euclidean", "manhattan", "cosine")
CENTRES = 64
"""Centres that a block is compared with at once where differences have to be written out."""


class RelativeDistance(Acquisition):
    """The candidate whose nearest measured neighbour is farthest away, again after each choice.

    PyRelationAL's strategy of this name measures the distance once and takes the top: five copies of an outlier are
    all chosen. Here the second copy is at distance zero once the first is in the batch.

    Parameters
    ----------
    metric: "euclidean", "manhattan" (sum of absolute differences) or "cosine" (1 - cosine of the angle; 1/2 where one
        of the two is zero).
    """

    name: ClassVar[str] = "relative-distance"
    source: ClassVar[str] = (
        "PyRelationAL (arXiv 2205.11117), made greedy: Gonzalez 1985 (Theor Comput Sci 38, 293)"
    )
    unit: ClassVar[str] = "units of distance from what is known"

    def __init__(self, metric: str = "euclidean") -> None:
        if metric not in METRICS:
            raise StudyError(
                f"there is no metric {metric!r}",
                where="acquisition relative-distance",
                fix=f"{nearest(metric, METRICS)}choose {', '.join(METRICS)}",
            )
        self.metric = metric

    def choose(self, situation: Situation, number: int) -> Selection:
        """The farthest candidate from what is known and chosen, `number` times."""
        if self.metric == "euclidean":
            return CoreSet().choose(situation, number)
        if self.metric == "cosine":
            return _by_angle(situation, number)
        return self._written_out(situation, number)

    def why(self, selection: Selection, place: int) -> str:
        """Its distance to the nearest that is known."""
        return CoreSet().why(selection, place)

    def _written_out(self, situation: Situation, number: int) -> Selection:
        seen = situation.seen_features
        away = _manhattan(situation, seen if len(seen) else centre_of(situation.features)[None])
        scores = open_scores(situation, away)
        rows, gains = np.zeros(number, dtype=np.intp), np.zeros(number)
        left = np.where(situation.available, away, -np.inf)
        for place in range(number):
            begins = place == 0 and not len(seen)
            row = int(np.argmin(np.where(left < 0, np.inf, left))) if begins else int(np.argmax(left))
            rows[place], gains[place] = row, left[row]
            near = _manhattan(situation, np.asarray(situation.features[np.array([row])]))
            left = np.where(np.isneginf(left), left, near if begins else np.minimum(left, near))
            left[row] = -np.inf
        return Selection(rows, gains, scores)


class _UnitFeatures:
    """Features of length one, made when they are asked for: half their squared distance is 1 - cosine."""

    def __init__(self, features: Features) -> None:
        self._features = features

    @property
    def shape(self) -> tuple[int, ...]:
        return self._features.shape

    def __getitem__(self, rows: slice | Rows) -> Points:
        return _unit(floating(np.asarray(self._features[rows])))


def _unit(points: Points) -> Points:
    length = np.linalg.norm(points, axis=1, keepdims=True)
    return np.asarray(np.divide(points, length, out=np.zeros_like(points), where=length > 0))


def _by_angle(situation: Situation, number: int) -> Selection:
    features: Features = _UnitFeatures(situation.features)
    measured = _unit(situation.measured_features).astype(float)
    found = CoreSet().choose(replace(situation, features=features, measured_features=measured), number)
    return Selection(found.rows, found.gains**2 / 2, found.scores**2 / 2)


def _manhattan(situation: Situation, centres: Points) -> Array:
    """Sum of absolute differences to the nearest centre, shape (N,)."""
    found = np.full(situation.size, np.inf)
    for part, points in blocks(situation.features):
        for start in range(0, len(centres), CENTRES):
            near = cdist(points, centres[start : start + CENTRES], "cityblock").min(axis=1)
            found[part] = np.minimum(found[part], near)
    return found
