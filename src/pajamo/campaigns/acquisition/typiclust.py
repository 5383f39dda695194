"""TypiClust: the most typical candidate of each large cluster in which nothing was measured."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pajamo.campaigns.acquisition.base import Acquisition, Selection, open_scores
from pajamo.campaigns.acquisition.clustering import cluster, sample_of
from pajamo.campaigns.acquisition.distances import Points, floating, nearest_centre, squared_distances
from pajamo.campaigns.acquisition.k_means import filled
from pajamo.campaigns.features import BLOCK, blocks
from pajamo.campaigns.predictive import Array, Rows
from pajamo.campaigns.situation import Situation

REFERENCE = 4096
"""Members of a cluster that neighbours are looked for among; of a larger cluster, a random sample."""


class TypiClust(Acquisition):
    """Where few results are in, what is typical teaches more than what is uncertain.

    The pool falls into as many clusters as there are measurements and places in the batch. From the largest clusters
    without a measurement, the candidate with the nearest neighbours is taken.

    Parameters
    ----------
    most_clusters: cap on the number of clusters.
    neighbours: over which the density is taken.
    """

    name: ClassVar[str] = "typiclust"
    source: ClassVar[str] = "Hacohen, Dekel and Weinshall 2022 (arXiv 2202.02794), algorithm 1, equation 4"
    unit: ClassVar[str] = "candidates"

    def __init__(self, most_clusters: int = 500, neighbours: int = 20) -> None:
        self.most_clusters, self.neighbours = most_clusters, neighbours

    def choose(self, situation: Situation, number: int) -> Selection:
        """The most typical candidate of each of the largest clusters that hold the fewest measurements."""
        labels, held = self._clusters(situation, number)
        sizes = np.bincount(labels, minlength=len(held))
        scores = np.zeros(situation.size)
        rows: list[int] = []
        gains: list[float] = []
        # With clusters for all that is known and chosen, some are empty of it; only the cap makes held ones count.
        capped = len(held) >= self.most_clusters
        for label in np.lexsort((-sizes, held)):
            if len(rows) == number or (held[label] and not capped):
                break
            members = np.flatnonzero(labels == label)
            if situation.available[members].any():
                open_rows, typical = typicality(situation, members, self.neighbours)
                scores[open_rows] = typical
                rows.append(int(open_rows[np.argmax(typical)]))
                gains.append(float(sizes[label]))
        scores = open_scores(situation, scores)
        return filled(situation, np.array(rows, dtype=np.intp), np.array(gains), scores, number)

    def why(self, selection: Selection, place: int) -> str:
        """How large the cluster is that it stands for."""
        return f"the most typical of {selection.gains[place]:,.0f} candidates of which none is measured"

    def _clusters(self, situation: Situation, number: int) -> tuple[Rows, Array]:
        """Cluster of each candidate, shape (N,), and how many of each are measured or pending."""
        seen = situation.seen_features
        pending = len(situation.pending)
        wanted = min(len(seen) + number, self.most_clusters)
        sample = sample_of(np.arange(situation.size), situation.rng)
        points = floating(np.asarray(situation.features[sample]))
        measured = seen[: len(seen) - pending].astype(points.dtype)
        centres = cluster(np.concatenate([points, measured]), wanted, situation.rng).centres
        labels = np.empty(situation.size, dtype=np.intp)
        for part, block in blocks(situation.features):
            labels[part] = nearest_centre(floating(block), centres)[0]
        held = nearest_centre(seen.astype(points.dtype), centres)[0]
        return labels, np.bincount(held, minlength=len(centres)).astype(float)


def typicality(situation: Situation, members: Rows, neighbours: int) -> tuple[Rows, Array]:
    """One over the mean distance to the nearest members of the same cluster.

    Returns the members that can be chosen, of a cluster larger than a block a random sample, and their typicality.
    """
    open_rows = sample_of(members[situation.available[members]], situation.rng, BLOCK)
    reference = sample_of(members, situation.rng, REFERENCE)
    near = min(neighbours, max(len(members) // 2, 1), len(reference) - 1)
    if near == 0:
        return open_rows, np.ones(len(open_rows))
    around = floating(np.asarray(situation.features[reference]))
    found = np.empty(len(open_rows))
    for start in range(0, len(open_rows), REFERENCE):
        rows = open_rows[start : start + REFERENCE]
        points = floating(np.asarray(situation.features[rows]))
        found[start : start + REFERENCE] = _mean_distance(points, around, near, np.isin(rows, reference))
    return open_rows, 1.0 / np.maximum(found, np.finfo(float).tiny)


def _mean_distance(points: Points, around: Points, near: int, among: NDArray[np.bool_]) -> Array:
    """Mean distance to the nearest others; those that are among them are at distance zero from themselves."""
    squared = np.partition(squared_distances(points, around), [near - 1, near], axis=1)[:, : near + 1]
    distance = np.sqrt(squared)
    distance[~among, near] = 0.0
    return np.asarray(distance.sum(axis=1, dtype=float) / near)
