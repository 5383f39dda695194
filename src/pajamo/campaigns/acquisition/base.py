"""What every acquisition is: a way to choose a batch, and the figures that speak for each choice."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pajamo.campaigns.predictive import Array, Rows
from pajamo.campaigns.situation import Situation


@dataclass(frozen=True)
class Selection:
    """A batch, in the order in which it was chosen.

    Attributes
    ----------
    rows: of the pool, the first one chosen first; shape (B,).
    gains: what each added to the batch when it was chosen, in the acquisition's own unit; shape (B,).
    scores: of every candidate before any was chosen, higher is better, NaN where it could not be chosen; shape (N,).
    """

    rows: Rows
    gains: Array
    scores: Array


class Acquisition(ABC):
    """Chooses which candidates to measure next.

    Class attributes: `name` as it is written in a study, `source` (paper, equation), `unit` of its gains.
    """

    name: ClassVar[str]
    source: ClassVar[str]
    unit: ClassVar[str] = ""

    @abstractmethod
    def choose(self, situation: Situation, number: int) -> Selection:
        """Choose a batch. Called by `choose_batch`, which has made sure that `number` candidates are available."""

    def why(self, selection: Selection, place: int) -> str:
        """In words, why the candidate at this place of the batch was chosen."""
        return f"{self.name}: {selection.gains[place]:.3g} {self.unit}".rstrip()


class ScoreAcquisition(Acquisition):
    """An acquisition that judges each candidate by itself; the best `number` are chosen, ties at random."""

    @abstractmethod
    def score(self, situation: Situation) -> Array:
        """Higher is better; shape (N,)."""

    def choose(self, situation: Situation, number: int) -> Selection:
        """The candidates with the highest scores."""
        scores = open_scores(situation, self.score(situation))
        rows = best_rows(scores, number, situation.rng)
        return Selection(rows, scores[rows], scores)


def open_scores(situation: Situation, scores: Array) -> Array:
    """Scores with NaN where a candidate cannot be chosen."""
    return np.where(situation.available, scores, np.nan)


def best_rows(scores: Array, number: int, rng: np.random.Generator) -> Rows:
    """Rows of the highest scores, best first; ties in random order, NaN last."""
    keys = np.where(np.isnan(scores), -np.inf, scores)
    if number < 1:
        return np.zeros(0, dtype=np.intp)
    if number < len(keys) // 8:
        bar = np.partition(keys, len(keys) - number)[len(keys) - number]
        rows = np.flatnonzero(keys >= bar)
    else:
        rows = np.arange(len(keys))
    order = np.lexsort((rng.random(len(rows)), -keys[rows]))
    return np.asarray(rows[order[:number]], dtype=np.intp)
