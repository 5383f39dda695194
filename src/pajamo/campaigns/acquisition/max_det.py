"""Maximum determinant: the batch whose outcomes, together, tell most about the true values."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np

from pajamo.campaigns.acquisition.base import Acquisition, Selection, open_scores
from pajamo.campaigns.predictive import Array, KernelPredictive, ValuePredictive
from pajamo.campaigns.situation import Situation

FLOOR = 1e-6
"""Share of the largest variance that a measurement without known noise is taken to have as noise."""


class MaxDeterminant(Acquisition):
    """Greedy in the log determinant of the batch's covariance with noise, relative to the noise alone.

    Half of it is the information that the outcomes hold about the true values, whatever the unit. A choice lowers the
    variance of all candidates that the model holds to be like it, by one rank-one update, so copies are not bought
    twice unless noise makes that worth it. The work is candidates times batch times (batch + rank of the model).
    """

    name: ClassVar[str] = "max-determinant"
    source: ClassVar[str] = (
        "Krause, Singh and Guestrin 2008 (JMLR 9, 235); for Gaussians: BatchBALD (Kirsch 2019, arXiv 1906.08158)"
    )
    unit: ClassVar[str] = "nat"

    def choose(self, situation: Situation, number: int) -> Selection:
        """The candidate with the largest variance relative to its noise, given those chosen; `number` times."""
        values = situation.values()
        left = np.where(situation.available, values.diagonal(), 0.0)
        noise = np.maximum(values.noise_of(), FLOOR * max(float(left.max()), np.finfo(float).tiny))
        column = _columns(values)
        scores = information(left, noise)
        open_ = situation.available.copy()
        steps = np.zeros((number, situation.size))
        rows, gains = np.zeros(number, dtype=np.intp), np.zeros(number)
        for place in range(number):
            gain = information(left, noise)
            row = int(np.argmax(np.where(open_, gain, -np.inf)))
            rows[place], gains[place], open_[row] = row, gain[row], False
            steps[place] = column(row) - steps[:place, row] @ steps[:place]
            steps[place] /= np.sqrt(left[row] + noise[row])
            left = np.maximum(left - steps[place] ** 2, 0.0)
        return Selection(rows, gains, open_scores(situation, scores))

    def why(self, selection: Selection, place: int) -> str:
        """What it adds to the batch, and what it would have told alone."""
        alone = selection.scores[selection.rows[place]]
        return f"adds {selection.gains[place]:.3g} nat to those chosen before it; alone it would tell {alone:.3g}"


def information(variance: Array, noise: Array) -> Array:
    """What one measurement tells of a value, in nat: half the logarithm of 1 + variance / noise."""
    return np.asarray(0.5 * np.log1p(variance / noise))


def _columns(values: ValuePredictive) -> Callable[[int], Array]:
    """Covariance of all candidates with one, shape (N,)."""
    if isinstance(values, KernelPredictive):
        return lambda row: values.columns(np.array([row]))[:, 0]
    factor = values.factor()
    return lambda row: factor @ factor[row]
