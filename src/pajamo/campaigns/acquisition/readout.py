"""The readout that counts: one number a candidate, upwards good, with its uncertainty and covariance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from pajamo.campaigns.predictive import Array, Rows, SampledPredictive, ValuePredictive
from pajamo.campaigns.situation import Situation, Target
from pajamo.errors import ModelError

MOST_NUMBERS = 20_000_000
"""Numbers drawn at once (160 MB): more worlds are drawn in parts."""


@dataclass(frozen=True)
class Readout:
    """What is predicted of the target's weighted sum of outputs, turned so that more is better.

    Attributes
    ----------
    predictive, target: what it is made of.
    mean: shape (N,).
    variance: of the true readout; shape (N,).
    noise: variance of one measurement around it; shape (N,).
    """

    predictive: ValuePredictive
    target: Target
    mean: Array
    variance: Array
    noise: Array

    @property
    def deviation(self) -> Array:
        """Standard deviation of the true readout; shape (N,)."""
        return np.sqrt(np.maximum(self.variance, 0.0))

    def columns(self, rows: Rows) -> Array:
        """Covariance of all candidates' true readouts with those of some; shape (N, len(rows))."""
        if isinstance(self.predictive, SampledPredictive):
            away = self.target.of(self.predictive.draws)
            away = away - away.mean(axis=0)
            return np.asarray(away.T @ away[:, rows] / (len(away) - 1))
        # Outputs share one covariance but for their spread, so that the readout's is a multiple of their sum's.
        diagonal = self.predictive.diagonal()
        ratio = np.divide(self.variance, diagonal, out=np.zeros_like(diagonal), where=diagonal > 0)
        root = np.sqrt(np.maximum(ratio, 0.0))
        return np.asarray(self.predictive.columns(rows) * root[:, None] * root[rows])

    def worlds(self, number: int, rng: np.random.Generator) -> Iterator[Array]:
        """Draws of all candidates' true readouts together, in parts of shape (some, N), `number` in all.

        Where the model gives draws, each is used once before any is used again.
        """
        if isinstance(self.predictive, SampledPredictive):
            drawn = len(self.predictive.draws)
            order = np.concatenate([rng.permutation(drawn) for _ in range(-(-number // drawn))])[:number]
            for part in _parts(number, self.predictive.mean.size):
                yield self.target.of(self.predictive.draws[order[part]])
            return
        for part in _parts(number, self.predictive.mean.size):
            yield self.target.of(self.predictive.samples(part.stop - part.start, rng))

    def take(self, rows: Rows) -> Readout:
        """The same for some of the candidates."""
        return replace(
            self,
            predictive=self.predictive.take(rows),
            mean=self.mean[rows],
            variance=self.variance[rows],
            noise=self.noise[rows],
        )


def readout_of(situation: Situation) -> Readout:
    """The readout of a situation's target.

    Raises
    ------
    ModelError: no model of values, or one of another number of outputs than the target weighs.
    """
    predictive, target = situation.values(), situation.target
    weights = _weights(target, predictive.mean.shape[1])
    if isinstance(predictive, SampledPredictive):
        variance = np.asarray(target.of(predictive.draws).var(axis=0, ddof=1))
    else:
        variance = predictive.variance @ weights**2
    return Readout(
        predictive, target, target.of(predictive.mean), variance, np.asarray(predictive.noise @ weights**2)
    )


def reference(situation: Situation, readout: Readout) -> float:
    """The readout to be improved on: the best measured one, or, before there is one, the best that is expected.

    The best of noisy measurements is too high on average (it is also the luckiest); it errs towards exploring.
    Failed measurements do not count.
    """
    if np.isfinite(situation.incumbent):
        return situation.incumbent
    return float(np.nanmax(np.where(situation.available, readout.mean, np.nan)))


def _weights(target: Target, outputs: int) -> Array:
    if target.weights is None:
        return np.asarray(np.eye(1, outputs)[0])
    if len(target.weights) != outputs:
        raise ModelError(
            f"the target weighs {len(target.weights)} outputs, and the model predicts {outputs}",
            where="target",
            fix="give one weight for each output",
        )
    return np.asarray(target.weights, dtype=float)


def _parts(number: int, width: int) -> Iterator[slice]:
    step = max(1, MOST_NUMBERS // max(width, 1))
    for start in range(0, number, step):
        yield slice(start, min(start + step, number))
