"""Upper confidence bound: candidates that may well be good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pajamo.campaigns.acquisition.base import Acquisition, Selection, best_rows, open_scores
from pajamo.campaigns.acquisition.greedy import best_row
from pajamo.campaigns.acquisition.readout import Readout, readout_of
from pajamo.campaigns.predictive import Rows
from pajamo.campaigns.situation import Situation
from pajamo.errors import StudyError


@dataclass(frozen=True, kw_only=True)
class UpperConfidenceBound(Acquisition):
    """Expected readout plus `kappa` standard deviations; 0 is greedy.

    Attributes
    ----------
    kappa: how much the model's ignorance speaks for a candidate.
    joint: whether a batch counts as known what its earlier members will show (GP-BUCB), so that it is not the same
        candidate many times over; otherwise the highest bounds are taken as they are.
    """

    name: ClassVar[str] = "upper-confidence-bound"
    source: ClassVar[str] = (
        "Auer 2002; batches: Desautels, Krause and Burdick 2014 (JMLR 15, 4053), equation 7"
    )
    unit: ClassVar[str] = "readout"

    kappa: float = 1.0
    joint: bool = True

    def __post_init__(self) -> None:
        if not 0.0 <= self.kappa < np.inf:
            raise StudyError(f"kappa is {self.kappa}", where=self.name, fix="give a kappa of 0 or more")

    def choose(self, situation: Situation, number: int) -> Selection:
        """The highest bounds, one by one where the batch is joint."""
        readout = readout_of(situation)
        scores = open_scores(situation, readout.mean + self.kappa * readout.deviation)
        if self.joint and self.kappa > 0.0 and number > 1:
            return self._one_by_one(
                situation, readout, number, Selection(np.zeros(0, np.intp), scores, scores)
            )
        rows = best_rows(scores, number, situation.rng)
        return Selection(rows, scores[rows], scores)

    def why(self, selection: Selection, place: int) -> str:
        """The bound."""
        return f"its readout, counted upwards, may well be {selection.gains[place]:.3g}"

    def _one_by_one(self, situation: Situation, readout: Readout, number: int, first: Selection) -> Selection:
        variance, seen = readout.variance.copy(), np.zeros((situation.size, number))
        rows: Rows = np.zeros(number, dtype=np.intp)
        gains, bound = np.zeros(number), first.scores.copy()
        for place in range(number):
            row = best_row(bound, situation.rng)
            rows[place], gains[place] = row, bound[row]
            before = seen[:, :place]
            column = readout.columns(np.array([row]))[:, 0] - before @ before[row]
            total = column[row] + readout.noise[row]
            if total > 0.0:
                seen[:, place] = column / np.sqrt(total)
                variance = np.maximum(variance - seen[:, place] ** 2, 0.0)
            bound = np.where(np.isnan(bound), np.nan, readout.mean + self.kappa * np.sqrt(variance))
            bound[row] = np.nan
        return Selection(rows, gains, first.scores)
