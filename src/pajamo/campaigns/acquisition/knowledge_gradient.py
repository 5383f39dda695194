"""Knowledge gradient: candidates whose measurement is expected to improve the final pick, whichever it will be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pajamo.campaigns.acquisition.base import Acquisition, Selection, best_rows, open_scores
from pajamo.campaigns.acquisition.envelope import BLOCK, expected_rise, two_line_rise
from pajamo.campaigns.acquisition.greedy import best_row
from pajamo.campaigns.acquisition.readout import Readout, readout_of
from pajamo.campaigns.predictive import Array, Rows
from pajamo.campaigns.situation import Situation
from pajamo.errors import StudyError


@dataclass(frozen=True, kw_only=True)
class KnowledgeGradient(Acquisition):
    """How much the best posterior mean of the pool is expected to rise by one noisy measurement.

    A measurement moves the expectation of every candidate that is alike, so that one is also chosen for what it says
    about others. The best measured readout stands in the comparison as a value that no longer moves. A batch is
    chosen one by one, each with the uncertainty that is left after the earlier ones.

    Attributes
    ----------
    shortlist: candidates for which it is computed exactly: half of them with the highest lower bound (by the
        candidate and the best other alone), half with the most that a measurement moves them.
    """

    name: ClassVar[str] = "knowledge-gradient"
    source: ClassVar[str] = "Frazier, Powell and Dayanik 2009 (INFORMS J Comput 21, 599), equation 14"
    unit: ClassVar[str] = "readout"

    shortlist: int = 100

    def __post_init__(self) -> None:
        if self.shortlist < 1:
            raise StudyError(
                f"a shortlist of {self.shortlist}", where=self.name, fix="give 1 or more candidates"
            )

    def choose(self, situation: Situation, number: int) -> Selection:
        """The highest gains among the shortlist; scores of others are lower bounds."""
        readout = readout_of(situation)
        known = readout.predictive.finite()
        means = np.append(np.where(known, readout.mean, -np.inf), situation.incumbent)
        bounds = open_scores(situation, _lower_bounds(readout, means, known))
        short = self._short(situation, readout, bounds, number)
        columns = np.zeros((situation.size + 1, len(short)))
        columns[:-1] = readout.columns(short)
        columns[:-1][~known] = 0.0
        return _one_by_one(situation, means, columns, short, readout.noise[short], bounds, number)

    def why(self, selection: Selection, place: int) -> str:
        """The expected rise."""
        return f"expected to raise the best candidate's expected readout by {selection.gains[place]:.3g}"

    def _short(self, situation: Situation, readout: Readout, bounds: Array, number: int) -> Rows:
        moved = _root(readout.variance, readout.variance + readout.noise)
        half = -(-max(self.shortlist, 2 * number) // 2)
        open_ones = int(np.isfinite(bounds).sum())
        promising = best_rows(bounds, min(half, open_ones), situation.rng)
        telling = best_rows(np.where(np.isfinite(bounds), moved, np.nan), min(half, open_ones), situation.rng)
        return np.union1d(promising, telling)


def _root(covariance: Array, total: Array) -> Array:
    """Covariance / sqrt(variance of the measurement): how far one standard deviation of its result moves a mean."""
    return np.asarray(
        np.divide(
            covariance, np.sqrt(np.maximum(total, 0.0)), out=np.zeros_like(covariance), where=total > 0.0
        )
    )


def _lower_bounds(readout: Readout, means: Array, known: NDArray[np.bool_]) -> Array:
    """The rise by two lines only: the candidate's own, and the best other's; shape (N,)."""
    order = np.argsort(-means)[:2]
    size = len(readout.mean)
    total = readout.variance + readout.noise
    own = _root(readout.variance, total)
    found = np.zeros(size)
    for rank, other in enumerate(order):
        rows = np.arange(size) != order[0] if rank == 0 else np.arange(size) == order[0]
        if not np.isfinite(means[other]):
            continue
        shared = np.zeros(size) if other == size else readout.columns(np.array([other]))[:, 0]
        found = np.where(rows, two_line_rise(means[:-1] - means[other], own - _root(shared, total)), found)
    return np.where(known, found, np.nan)


def _one_by_one(
    situation: Situation,
    means: Array,
    columns: Array,
    short: Rows,
    noise: Array,
    scores: Array,
    number: int,
) -> Selection:
    """The greedy batch among `short`; `columns` (N + 1, K), their covariances with all, are used up."""
    scores = scores.copy()
    place_of = np.arange(len(short))
    chosen: Rows = np.zeros(number, dtype=np.intp)
    gains, free = np.zeros(number), np.ones(len(short), dtype=bool)
    for place in range(number):
        total = np.maximum(columns[short, place_of], 0.0) + noise
        rises = expected_rise(means, columns, _root(np.ones(len(short)), total))
        if place == 0:
            scores[short] = rises
        best = best_row(np.where(free, rises, np.nan), situation.rng, total)
        chosen[place], gains[place], free[best] = short[best], rises[best], False
        if total[best] > 0.0:
            _downdate(columns, columns[:, best].copy(), columns[short[best]] / total[best])
    return Selection(chosen, gains, scores)


def _downdate(columns: Array, column: Array, row: Array) -> None:
    """Covariances less what a measurement explains, in place and by block."""
    for start in range(0, len(columns), BLOCK):
        columns[start : start + BLOCK] -= np.outer(column[start : start + BLOCK], row)
