"""k-means: one candidate for each part of the pool that nothing measured stands for."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from pajamo.campaigns.acquisition.base import Acquisition, Selection, open_scores
from pajamo.campaigns.acquisition.clustering import cluster, sample_of
from pajamo.campaigns.acquisition.distances import Coverage, Points, floating, nearest_centre
from pajamo.campaigns.features import Features, blocks
from pajamo.campaigns.predictive import Array, Rows
from pajamo.campaigns.situation import Situation


class KMeans(Acquisition):
    """The pool falls into as many parts as the batch has places, beside those around what was measured.

    What was measured and what is pending are centres that stay where they are. Of each other part the candidate
    nearest to its centre is chosen, so no two candidates that are alike are chosen while different ones are left.
    """

    name: ClassVar[str] = "k-means"
    source: ClassVar[str] = "Lloyd 1982; as a batch: Zhdanov 2019 (arXiv 1901.05954), without weights"
    unit: ClassVar[str] = "candidates"

    def choose(self, situation: Situation, number: int) -> Selection:
        """One candidate a cluster, those that stand for most candidates first."""
        sample = sample_of(situation.candidates, situation.rng)
        points = floating(np.asarray(situation.features[sample]))
        seen = situation.seen_features.astype(points.dtype)
        centres = cluster(points, number, situation.rng, fixed=seen).centres
        rows, counts, scores = representatives(situation, centres, seen)
        order = np.argsort(-counts, kind="stable")
        return filled(situation, rows[order], counts[order], open_scores(situation, scores), number)

    def why(self, selection: Selection, place: int) -> str:
        """How many candidates it stands for."""
        return f"the nearest to the centre of {selection.gains[place]:,.0f} candidates that are alike"


def representatives(situation: Situation, centres: Points, fixed: Points) -> tuple[Rows, Array, Array]:
    """Of each cluster, the available candidate nearest to its centre, one pass over the pool.

    Returns their rows, how many candidates each stands for, and minus each candidate's distance to its centre (N,).
    """
    labels, squared = _labelled(situation.features, centres, fixed)
    scores = -np.sqrt(squared)
    open_rows = situation.candidates[labels[situation.candidates] < len(centres)]
    # The two members of a pair are equally near to its centre but for rounding; the earlier one is taken.
    away = np.round(squared[open_rows] / max(float(squared.max(initial=0.0)), np.finfo(float).tiny), 9)
    order = open_rows[np.lexsort((away, labels[open_rows]))]
    _, first = np.unique(labels[order], return_index=True)
    rows = order[first]
    counts = np.bincount(labels, minlength=len(centres) + 1)[labels[rows]].astype(float)
    return rows, counts, scores


def filled(situation: Situation, rows: Rows, gains: Array, scores: Array, number: int) -> Selection:
    """A batch that came out too small is filled with the candidates farthest from it, then with any."""
    if len(rows) >= number:
        return Selection(rows[:number], gains[:number], scores)
    chosen = list(rows)
    centres = np.concatenate([situation.seen_features, np.asarray(situation.features[rows], dtype=float)])
    left = situation.available.copy()
    left[rows] = False
    cover = Coverage(situation.features, centres, left)
    while len(chosen) < number:
        row = cover.farthest()
        if not cover.squared[row] > 0:
            break
        chosen.append(row)
        cover.add(row)
    left[chosen] = False
    chosen.extend(situation.rng.permutation(np.flatnonzero(left))[: number - len(chosen)])
    more = np.zeros(number - len(rows))
    return Selection(np.array(chosen, dtype=np.intp), np.concatenate([gains, more]), scores)


def _labelled(features: Features, centres: Points, fixed: Points) -> tuple[Rows, Array]:
    labels = np.empty(features.shape[0], dtype=np.intp)
    squared = np.empty(features.shape[0])
    every = np.concatenate([fixed, centres])
    for part, points in blocks(features):
        found, squared[part] = nearest_centre(floating(points), every)
        labels[part] = np.where(found < len(fixed), len(centres), found - len(fixed))
    return labels, squared
