"""BatchBALD: the batch whose results together tell most about which member of the model is right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pajamo.campaigns.acquisition.bald import BLOCK, information_of_classes
from pajamo.campaigns.acquisition.base import Acquisition, Selection, best_rows, open_scores
from pajamo.campaigns.acquisition.entropy import entropies
from pajamo.campaigns.acquisition.greedy import lazy_best
from pajamo.campaigns.predictive import Array, ClassPredictive, Rows
from pajamo.campaigns.situation import Situation
from pajamo.errors import StudyError

MOST_NUMBERS = 4_000_000
"""Probabilities computed at once (32 MB)."""
ROUNDING = 1e-12
"""Information below which there is none: the batch already tells which member is right."""


@dataclass(frozen=True, kw_only=True)
class BatchBald(Acquisition):
    """Joint mutual information between the results of a batch and which member is right.

    Members have to be consistent: one member is one tree, one network or one dropout mask for all candidates. What
    a candidate adds is its information given the results of those before it, averaged over all that these results
    may be. Candidates whose results are awaited are the first members of every batch.

    Attributes
    ----------
    configurations: joint results of the batch that are followed. While fewer are possible the information is exact;
        beyond, so many are drawn in proportion to their probability.
    shortlist: candidates considered, those that tell most by themselves. What one adds to a batch is at most that, so
        that the batch is that of the whole pool while gains are above the highest score outside of the list.
    """

    name: ClassVar[str] = "batch-bald"
    source: ClassVar[str] = "Kirsch, van Amersfoort and Gal 2019 (arXiv 1906.08158), equations 8 and 12 to 14"
    unit: ClassVar[str] = "nats"

    configurations: int = 512
    shortlist: int = 2000

    def __post_init__(self) -> None:
        if self.configurations < 1 or self.shortlist < 1:
            raise StudyError(
                f"{self.configurations} configurations and a shortlist of {self.shortlist}",
                where=self.name,
                fix="give 1 or more of both",
            )

    def choose(self, situation: Situation, number: int) -> Selection:
        """The greedy batch, within (1 - 1/e) of the best one.

        Information that a candidate adds falls as the batch grows, so that only candidates are looked at again
        whose information so far reaches the best one found.
        """
        predictive = situation.classes()
        scores = open_scores(situation, information_of_classes(predictive))
        joint = JointResults(predictive, self.configurations, situation.rng)
        for row in situation.pending[predictive.finite()[situation.pending]]:
            joint.add(int(row))
        open_ones = int(np.isfinite(scores).sum())
        short = best_rows(scores, min(max(self.shortlist, number), open_ones), situation.rng)
        bounds = np.full(situation.size, -np.inf)
        bounds[short] = scores[short]
        chosen: Rows = np.zeros(number, dtype=np.intp)
        gains = np.zeros(number)
        for place in range(number):
            row = lazy_best(bounds, joint.information, situation.rng, scores)
            chosen[place], gains[place], bounds[row] = row, bounds[row], -np.inf
            joint.add(row)
        return Selection(chosen, gains, scores)

    def why(self, selection: Selection, place: int) -> str:
        """What the result adds."""
        before = "" if place == 0 else ", beyond what those before it tell"
        return f"its result is expected to tell the model {selection.gains[place]:.3g} nats{before}"


class JointResults:
    """What a batch may show, and how probable each member of the model is after each.

    Attributes
    ----------
    weights: probability of each joint result that is followed; shape (K,).
    posterior: of the members after each; shape (K, S).
    exact: whether all joint results that are possible are followed.
    """

    def __init__(self, predictive: ClassPredictive, most: int, rng: np.random.Generator) -> None:
        self._probabilities = np.clip(predictive.probabilities, 0.0, 1.0)
        self._entropies = np.empty(self._probabilities.shape[:2])
        for start in range(0, predictive.size, BLOCK):
            part = slice(start, start + BLOCK)
            self._entropies[:, part] = entropies(self._probabilities[:, part])
        self._most, self._rng = most, rng
        self.weights = np.ones(1)
        self.posterior = np.full((1, predictive.members), 1.0 / predictive.members)
        self.exact = True

    def add(self, row: int) -> None:
        """One more candidate in the batch."""
        found = self._probabilities[:, row]
        predicted = self.posterior @ found
        joint = (self.weights[:, None] * predicted).ravel()
        kept = np.flatnonzero(joint > 0.0)
        weights = joint[kept] / joint[kept].sum()
        if len(kept) > self._most:
            counts = _drawn(weights, self._most, self._rng)
            kept, weights = kept[counts > 0], counts[counts > 0] / self._most
            self.exact = False
        before, shown = np.divmod(kept, found.shape[1])
        posterior = self.posterior[before] * found[:, shown].T
        self.weights, self.posterior = weights, posterior / posterior.sum(axis=1, keepdims=True)

    def information(self, rows: Rows) -> Array:
        """What each of these candidates would tell after the batch: H[y | batch] - H[y | batch, member]; (n,)."""
        members, _, classes = self._probabilities.shape
        found = np.empty(len(rows))
        step = max(1, MOST_NUMBERS // (len(self.weights) * classes + members * classes))
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            probabilities = self._probabilities[:, part].reshape(members, -1)
            predicted = (self.posterior @ probabilities).reshape(len(self.weights), len(part), classes)
            known = (self.weights @ self.posterior) @ self._entropies[:, part]
            logarithm = np.log(np.maximum(predicted, np.finfo(float).tiny))
            mixed = -np.einsum("k,knc,knc->n", self.weights, predicted, logarithm)
            found[start : start + step] = mixed - known
        return np.where(found > ROUNDING, found, 0.0)


def _drawn(weights: Array, number: int, rng: np.random.Generator) -> Rows:
    """How often each is drawn, on average by its weight: `number` in all, at equal steps from a random start."""
    steps = (np.arange(number) + rng.random()) / number
    places = np.searchsorted(np.cumsum(weights), steps, side="right")
    return np.bincount(np.minimum(places, len(weights) - 1), minlength=len(weights)).astype(np.intp)
