"""Expected improvement: candidates that are expected to beat the best so far, and by how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import ndtr

from pajamo.campaigns.acquisition.base import Acquisition, Selection, best_rows, open_scores
from pajamo.campaigns.acquisition.greedy import best_row
from pajamo.campaigns.acquisition.readout import Readout, readout_of, reference
from pajamo.campaigns.predictive import Array, Rows
from pajamo.campaigns.situation import Situation
from pajamo.errors import StudyError


@dataclass(frozen=True, kw_only=True)
class ExpectedImprovement(Acquisition):
    """How much the best readout is expected to rise; a batch is judged as a whole, world by world.

    Improvement is over the best measured readout, noisy as it is; before anything was measured, over the best
    expected one. Candidates whose results are awaited count as members of the batch already.

    Attributes
    ----------
    worlds: draws of all candidates together by which a batch is judged; the same ones for each of its members.
    shortlist: candidates considered for a batch, those of the highest improvement by themselves. What a candidate
        adds to a batch is at most that, so that a batch whose smallest gain is above the best score outside of the
        list is the greedy batch of the whole pool.
    """

    name: ClassVar[str] = "expected-improvement"
    source: ClassVar[str] = (
        "Jones et al. 1998 (J Glob Optim 13, 455), equation 15; Ginsbourger et al. 2010 (q-EI)"
    )
    unit: ClassVar[str] = "readout"

    worlds: int = 512
    shortlist: int = 1000

    def __post_init__(self) -> None:
        if self.worlds < 1 or self.shortlist < 1:
            raise StudyError(
                f"{self.worlds} worlds and a shortlist of {self.shortlist}",
                where=self.name,
                fix="give 1 or more of both",
            )

    def choose(self, situation: Situation, number: int) -> Selection:
        """One candidate in closed form; more of them by what each adds to the best of each world."""
        readout = readout_of(situation)
        best = reference(situation, readout)
        scores = open_scores(situation, improvement(readout.mean, readout.deviation, best))
        if number == 1 and len(situation.pending) == 0:
            rows = best_rows(scores, 1, situation.rng)
            return Selection(rows, scores[rows], scores)
        return self._jointly(situation, readout, scores, number, best)

    def why(self, selection: Selection, place: int) -> str:
        """The expected rise."""
        return f"expected to raise the best readout by {selection.gains[place]:.3g}"

    def _jointly(
        self, situation: Situation, readout: Readout, scores: Array, number: int, best: float
    ) -> Selection:
        open_ones = int(np.isfinite(scores).sum())
        short = best_rows(scores, min(max(self.shortlist, number), open_ones), situation.rng)
        awaited = situation.pending[readout.predictive.finite()[situation.pending]]
        part = readout.take(np.concatenate([short, awaited]))
        drawn = np.concatenate(list(part.worlds(self.worlds, situation.rng)))
        best_of_world = np.maximum(best, drawn[:, len(short) :].max(axis=1, initial=-np.inf))
        chosen, gains = _best_of_worlds(
            drawn[:, : len(short)], best_of_world, scores[short], number, situation.rng
        )
        return Selection(short[chosen], gains, scores)


def improvement(mean: Array, deviation: Array, best: float) -> Array:
    """E max(f - best, 0) for a Gaussian f: (m - best) Phi(z) + s phi(z), z = (m - best) / s; shape (N,).

    Exactly max(m - best, 0) where s is 0, and never negative.
    """
    above = mean - best
    unsure = deviation > 0.0
    z = np.divide(above, deviation, out=np.zeros_like(above), where=unsure)
    density = np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)
    found = np.where(unsure, above * ndtr(z) + deviation * density, above)
    return np.where(np.isnan(above + deviation), np.nan, np.maximum(found, 0.0))


def _best_of_worlds(
    drawn: Array, best: Array, alone: Array, number: int, rng: np.random.Generator
) -> tuple[Rows, Array]:
    """Greedy batch: each member adds most to the mean over worlds of the best; (rows, gains)."""
    rows: Rows = np.zeros(number, dtype=np.intp)
    gains = np.zeros(number)
    barred = np.zeros(drawn.shape[1])
    for place in range(number):
        added = np.maximum(drawn - best[:, None], 0.0).mean(axis=0) + barred
        row = best_row(added, rng, alone)
        rows[place], gains[place], barred[row] = row, added[row], np.nan
        best = np.maximum(best, drawn[:, row])
    return rows, gains
