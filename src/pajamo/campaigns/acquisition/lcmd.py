"""LCMD: the candidate farthest from its centre, in the cluster that is worst represented."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from pajamo.campaigns.acquisition.base import Acquisition, Selection, open_scores
from pajamo.campaigns.acquisition.distances import (
    Points,
    at_hand,
    floating,
    nearest_centre,
    squared_distances,
)
from pajamo.campaigns.features import Features, blocks
from pajamo.campaigns.predictive import Array, Rows
from pajamo.campaigns.situation import Situation

Space = Literal["features", "posterior"]


class LargestClusterMaximumDistance(Acquisition):
    """Every candidate belongs to the nearest of what is known and chosen. The cluster with the largest sum of squared
    distances is the part of the pool that is worst represented; its farthest candidate becomes a centre.

    It spreads as a core-set does, but where there are candidates, so that single outliers do not take the batch.

    Parameters
    ----------
    space: "features" (the learner's own where it has one, as `Situation` gives them: length scales of a Gaussian
        process, the last layer of a network), or "posterior": distances are differences that the model is unsure of;
        what is measured is the origin there.
    """

    name: ClassVar[str] = "lcmd"
    source: ClassVar[str] = "Holzmueller et al. 2023 (JMLR 24, 164; arXiv 2203.09410), section 5.2.6"
    unit: ClassVar[str] = "units of distance from what is known"

    def __init__(self, space: Space = "features") -> None:
        self.space = space

    def choose(self, situation: Situation, number: int) -> Selection:
        """The farthest of the largest cluster, `number` times."""
        features, centres = _space(situation, self.space)
        pool = _Clusters(features, centres)
        scores = open_scores(
            situation, np.sqrt(np.where(np.isfinite(pool.squared), pool.squared, pool.lengths))
        )
        open_ = situation.available.copy()
        rows, gains = np.zeros(number, dtype=np.intp), np.zeros(number)
        for place in range(number):
            row = pool.worst(open_)
            squared = pool.squared[row]
            rows[place], gains[place] = row, np.sqrt(squared if np.isfinite(squared) else pool.lengths[row])
            open_[row] = False
            pool.add(row)
        return Selection(rows, gains, scores)

    def why(self, selection: Selection, place: int) -> str:
        """Where it stands."""
        return (
            f"{selection.gains[place]:.3g} away from the nearest that is known, in the part of the pool that is "
            "worst represented"
        )


class _Clusters:
    """Nearest centre of every candidate and the distance to it, while candidates become centres."""

    def __init__(self, features: Features, centres: Points) -> None:
        self._features, size = features, features.shape[0]
        self._count = len(centres)
        self.labels: Rows = np.zeros(size, dtype=np.intp)
        self.squared: Array = np.full(size, np.inf)
        self.lengths: Array = np.zeros(size)
        for part, points in blocks(features):
            held = floating(points)
            self.lengths[part] = np.einsum("nf,nf->n", held, held)
            if len(centres):
                self.labels[part], self.squared[part] = nearest_centre(held, centres)

    def worst(self, open_: NDArray[np.bool_]) -> int:
        """The open candidate farthest from its centre in the cluster with the largest sum of squared distances.

        Before there is a centre, the one with the largest features; where all are copies of centres, the first.
        """
        if self._count == 0:
            return int(np.argmax(np.where(open_, self.lengths, -np.inf)))
        different = open_ & (self.squared > 0)
        different = different if different.any() else open_
        weight = np.bincount(self.labels, self.squared, minlength=self._count)
        weight[np.bincount(self.labels[different], minlength=self._count) == 0] = -np.inf
        among = different & (self.labels == np.argmax(weight))
        return int(np.argmax(np.where(among, self.squared, -np.inf)))

    def add(self, row: int) -> None:
        """A candidate becomes a centre, and takes those that are nearer to it."""
        centre = floating(np.asarray(self._features[np.array([row])]))
        for part, points in blocks(self._features):
            found = squared_distances(floating(points), centre.astype(floating(points).dtype))[:, 0]
            closer = found < self.squared[part]
            self.squared[part][closer] = found[closer]
            self.labels[part][closer] = self._count
        self.squared[row], self.labels[row] = 0.0, self._count
        self._count += 1


def _space(situation: Situation, space: Space) -> tuple[Features, Points]:
    if space == "features":
        return at_hand(situation.features), situation.seen_features
    factor = situation.values().factor()
    return factor, np.zeros((1, factor.shape[1]))
