"""Core-set: the candidate farthest from everything measured, then again."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from pajamo.campaigns.acquisition.base import Acquisition, Selection, open_scores
from pajamo.campaigns.acquisition.distances import Coverage, at_hand, centre_of
from pajamo.campaigns.situation import Situation


class CoreSet(Acquisition):
    """Greedy k-centre: the largest distance of any candidate to what is measured shrinks fastest.

    All that was measured (failed measurements too) and all that is pending are centres from the start. Where there is
    nothing yet, the first choice is the candidate nearest to the pool's mean.
    """

    name: ClassVar[str] = "core-set"
    source: ClassVar[str] = "Sener and Savarese 2018 (arXiv 1708.00489), algorithm 1"
    unit: ClassVar[str] = "units of distance from what is known"

    def choose(self, situation: Situation, number: int) -> Selection:
        """The farthest candidate from all centres, `number` times."""
        features, seen = at_hand(situation.features), situation.seen_features
        first = len(seen) == 0
        cover = Coverage(features, centre_of(features)[None] if first else seen, situation.available)
        scores = open_scores(situation, np.sqrt(cover.squared))
        rows: list[int] = []
        gains: list[float] = []
        if first:
            nearest = int(np.nanargmin(scores))
            cover = Coverage(features, np.asarray(features[np.array([nearest])]), situation.available)
            rows, gains = [nearest], [float(scores[nearest])]
            cover.add(nearest)
        while len(rows) < number:
            row = cover.farthest()
            rows.append(row)
            gains.append(float(np.sqrt(cover.squared[row])))
            cover.add(row)
        return Selection(np.array(rows, dtype=np.intp), np.array(gains), scores)

    def why(self, selection: Selection, place: int) -> str:
        """Its distance to the nearest that is known."""
        return f"{selection.gains[place]:.3g} away from the nearest that is measured, pending or in the batch"
