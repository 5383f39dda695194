"""Uncertain and spread: of the candidates whose class is least sure, one of each kind."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from pajamo.campaigns.acquisition.base import Acquisition, Selection, best_rows, open_scores
from pajamo.campaigns.acquisition.clustering import cluster
from pajamo.campaigns.acquisition.distances import floating
from pajamo.campaigns.acquisition.k_means import filled, representatives
from pajamo.campaigns.situation import Situation


class DiverseMargin(Acquisition):
    """The candidates with the smallest margin between their two likeliest classes, several times as many as wanted,
    fall into clusters, in which uncertain ones weigh more; of each cluster the one nearest to its centre is taken.

    Parameters
    ----------
    shortlist: how many times the batch is looked at.
    """

    name: ClassVar[str] = "diverse-margin"
    source: ClassVar[str] = (
        "Zhdanov 2019 (arXiv 1901.05954), algorithm 1, with margins (Scheffer et al. 2001)"
    )
    unit: ClassVar[str] = "of 1, sureness of the class"

    def __init__(self, shortlist: float = 5.0) -> None:
        self.shortlist = shortlist

    def choose(self, situation: Situation, number: int) -> Selection:
        """One candidate of each cluster of the shortlist."""
        two = np.sort(situation.classes().mean, axis=1)[:, -2:]
        scores = open_scores(
            situation, 1.0 - (two[:, 1] - two[:, 0] if two.shape[1] > 1 else np.ones(len(two)))
        )
        most = min(max(int(self.shortlist * number), number), int(situation.available.sum()))
        rows = best_rows(scores, most, situation.rng)
        part = situation.of_part(rows)
        points = floating(np.asarray(part.features))
        fixed = points[:0]
        centres = cluster(points, number, situation.rng, weights=scores[rows] + 1e-9).centres
        found = rows[representatives(part, centres, fixed)[0]]
        found = found[np.argsort(-scores[found], kind="stable")]
        return filled(situation, found, scores[found], scores, number)
