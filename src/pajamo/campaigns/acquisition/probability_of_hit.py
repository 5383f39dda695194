"""Probability of a hit: candidates whose readout is likely to lie beyond a threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import ndtr

from pajamo.campaigns.acquisition.base import Acquisition, Selection, best_rows, open_scores
from pajamo.campaigns.acquisition.greedy import best_row
from pajamo.campaigns.acquisition.readout import Readout, readout_of
from pajamo.campaigns.predictive import Array, Rows
from pajamo.campaigns.situation import Situation
from pajamo.errors import StudyError

DEFAULT_SHARE = 0.05
"""Share of all perturbations that count as hits where nothing else is said (GeneDisco's, Mehrjou et al. 2022)."""
BISECTIONS = 80


@dataclass(frozen=True, kw_only=True)
class ProbabilityOfHit(Acquisition):
    """The probability that a candidate is a hit; a batch of the most probable ones has the most hits in expectation.

    Attributes
    ----------
    threshold: readout from which a candidate is a hit (up to which, where low ones are wanted), as recorded; if not
        given, the target's; if there is none either, by `share`.
    share: hits are this share of all perturbations, measured or not; the threshold is where as many are expected.
    penalty: 0 to 1: how much a candidate loses for being alike, to the model, to one already in the batch. Its
        probability is multiplied by 1 - penalty x (their correlation)^2 for each.
    """

    name: ClassVar[str] = "probability-of-hit"
    source: ClassVar[str] = (
        "Kushner 1964; penalty after Gonzalez et al. 2016 (AISTATS 51, 648), with correlations"
    )
    unit: ClassVar[str] = "hits"

    threshold: float | None = None
    share: float | None = None
    penalty: float = 0.0

    def __post_init__(self) -> None:
        if self.threshold is not None and self.share is not None:
            raise StudyError(
                "both a threshold and a share of hits are given", where=self.name, fix="give one of them"
            )
        if self.share is not None and not 0.0 < self.share < 1.0:
            raise StudyError(
                f"a share of hits of {self.share}", where=self.name, fix="give one between 0 and 1"
            )
        if not 0.0 <= self.penalty <= 1.0:
            raise StudyError(f"a penalty of {self.penalty}", where=self.name, fix="give one from 0 to 1")

    def choose(self, situation: Situation, number: int) -> Selection:
        """The most probable hits, penalised one by one if asked for."""
        readout = readout_of(situation)
        bar = self.bar(situation, readout)
        scores = open_scores(situation, beyond(readout.mean, readout.deviation, bar))
        if self.penalty > 0.0 and number > 1:
            return self._one_by_one(situation, readout, scores, number)
        rows = best_rows(scores, number, situation.rng)
        return Selection(rows, scores[rows], scores)

    def bar(self, situation: Situation, readout: Readout) -> float:
        """The readout, upwards good, from which a candidate is a hit."""
        threshold = situation.target.threshold if self.threshold is None else self.threshold
        if threshold is not None and self.share is None:
            return situation.target.sign * threshold
        recorded = situation.measured
        measured = situation.target.of(recorded) if len(recorded) else np.zeros(0)
        share = DEFAULT_SHARE if self.share is None else self.share
        return top_share(readout.mean, readout.deviation, measured, share)

    def why(self, selection: Selection, place: int) -> str:
        """The probability, without penalty."""
        return f"expected to be a hit with probability {selection.scores[selection.rows[place]]:.2f}"

    def _one_by_one(self, situation: Situation, readout: Readout, scores: Array, number: int) -> Selection:
        rows: Rows = np.zeros(number, dtype=np.intp)
        gains, left = np.zeros(number), scores.copy()
        for place in range(number):
            row = best_row(left, situation.rng)
            rows[place], gains[place] = row, left[row]
            spread = readout.variance * readout.variance[row]
            column = readout.columns(np.array([row]))[:, 0] ** 2
            alike = np.divide(column, spread, out=np.zeros_like(spread), where=spread > 0.0)
            left = left * (1.0 - self.penalty * np.minimum(alike, 1.0))
            left[row] = np.nan
        return Selection(rows, gains, scores)


def beyond(mean: Array, deviation: Array, bar: float) -> Array:
    """P(f >= bar) of Gaussian readouts, 0 or 1 where they are sure; shape (N,)."""
    above = mean - bar
    unsure = deviation > 0.0
    z = np.divide(above, deviation, out=np.zeros_like(above), where=unsure)
    found = np.where(unsure, ndtr(z), (above >= 0.0).astype(float))
    return np.where(np.isnan(above + deviation), np.nan, found)


def top_share(mean: Array, deviation: Array, measured: Array, share: float) -> float:
    """The bar beyond which `share` of all perturbations are expected, of candidates and measured ones together.

    Parameters
    ----------
    mean, deviation: of the candidates, shape (N,); NaN where there is none.
    measured: readouts, shape (L,); NaN where a measurement failed.
    """
    known = np.isfinite(mean + deviation)
    mean, deviation, measured = mean[known], deviation[known], measured[np.isfinite(measured)]
    wanted = share * (len(mean) + len(measured))
    low = min((mean - 9.0 * deviation).min(initial=np.inf), measured.min(initial=np.inf))
    high = max((mean + 9.0 * deviation).max(initial=-np.inf), measured.max(initial=-np.inf))
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        expected = beyond(mean, deviation, middle).sum() + (measured >= middle).sum()
        low, high = (middle, high) if expected > wanted else (low, middle)
    return float(high)
