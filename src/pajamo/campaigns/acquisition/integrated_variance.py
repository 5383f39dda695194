"""Integrated variance: the batch after which the model is surest of all candidates together."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from pajamo.campaigns.acquisition.base import Acquisition, Selection, open_scores
from pajamo.campaigns.predictive import Array
from pajamo.campaigns.situation import Situation

FLOOR = 1e-6
"""Share of the largest variance that a measurement without known noise is taken to have as noise."""


class IntegratedVariance(Acquisition):
    """Greedy in the variance that is left, summed over all candidates: V-optimal design, one by one.

    Measuring candidate x lowers the variance of every other by cov^2 / (variance of x + noise of x). The maximum
    determinant rewards what is far from everything; here a candidate counts by how many others it tells of, and a
    noisy one by what can be read of it. The work is candidates times batch times rank of the model.
    """

    name: ClassVar[str] = "integrated-variance"
    source: ClassVar[str] = (
        "Cohn, Ghahramani and Jordan 1996 (J Artif Intell Res 4, 129); batches as in Seo et al. 2000 (ALC)"
    )
    unit: ClassVar[str] = "units of variance, mean over candidates"

    def choose(self, situation: Situation, number: int) -> Selection:
        """The candidate that lowers the mean variance most, given those chosen; `number` times."""
        values = situation.values()
        factor = values.factor()
        factor = np.where(values.finite()[:, None], factor, 0.0)
        own = np.einsum("nk,nk->n", factor, factor)
        noise = np.maximum(values.noise_of(), FLOOR * max(float(own.max(initial=0.0)), np.finfo(float).tiny))
        moment = factor.T @ factor / len(factor)
        toward = np.einsum("nk,nk->n", factor @ moment, factor)
        left, open_ = np.eye(factor.shape[1]), situation.available.copy()
        scores = toward / (own + noise)
        rows, gains = np.zeros(number, dtype=np.intp), np.zeros(number)
        for place in range(number):
            gain = np.where(open_, toward / (own + noise), -np.inf)
            row = int(np.argmax(gain))
            rows[place], gains[place], open_[row] = row, gain[row], False
            own, toward, left = _after(factor, moment, left, own, toward, row, float(noise[row]))
        return Selection(rows, gains, open_scores(situation, scores))

    def why(self, selection: Selection, place: int) -> str:
        """How far the mean variance falls."""
        return f"lowers the mean variance of all candidates by {selection.gains[place]:.3g}"


def _after(
    factor: Array, moment: Array, left: Array, own: Array, toward: Array, row: int, noise: float
) -> tuple[Array, Array, Array]:
    """Variances, their squared reach over the pool, and the covariance of the model's directions, once one is known.

    With S the covariance of directions, s = S f and c = f' s + noise: S becomes S - s s' / c, and the reach
    f_i' S M S f_i follows by two products with the pool.
    """
    step = left @ factor[row]
    total = float(factor[row] @ step) + noise
    onward = left @ (moment @ step)
    along, beyond = factor @ step, factor @ onward
    toward = toward - 2.0 * along * beyond / total + along**2 * float(step @ moment @ step) / total**2
    own = own - along**2 / total
    return np.maximum(own, 0.0), np.maximum(toward, 0.0), left - np.outer(step, step) / total
