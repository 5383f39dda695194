"""What a batch is worth for a goal, whatever chose it: the same yardstick for a proposal and for random batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import xlogy

from pajamo.campaigns.acquisition.probability_of_hit import ProbabilityOfHit, beyond
from pajamo.campaigns.acquisition.readout import readout_of, reference
from pajamo.campaigns.predictive import Array, ClassPredictive, Predictive, Rows, ValuePredictive
from pajamo.campaigns.predictive.linear_parameters import LinearParameterPredictive
from pajamo.campaigns.situation import Situation
from pajamo.config.campaigns.study import Goal

LOOKED_AT = 2000
"""Candidates on which uncertainty is summed, where a pool has more: drawn once a round."""
TINY, SMALLEST = 1e-9, 1e-300
"""Noise that a measurement has at least, as a share of the variance, so that equal candidates can be counted."""
WORLDS = 512
"""Joint draws behind the expected best of a batch."""


class Objective(ABC):
    """What a batch is expected to give, candidate by candidate in the order of the batch."""

    unit: ClassVar[str]

    @abstractmethod
    def gains(self, rows: Rows) -> Array:
        """What each candidate adds to those before it; shape (len(rows),)."""

    def of(self, rows: Rows) -> float:
        """What the batch gives."""
        return float(self.gains(rows).sum())

    def told(self, rows: Rows, others: Sequence[Rows]) -> tuple[str, ...]:  # noqa: ARG002
        """What there is to say beside the gain, of a batch and of random ones of its size; nothing by default."""
        return ()


@dataclass(frozen=True)
class LessUncertainty(Objective):
    """Share of the predictions' variance, summed over the pool, that measuring the batch takes away."""

    predictive: ValuePredictive
    looked_at: Rows
    unit: ClassVar[str] = "% of the predictions' variance"

    def gains(self, rows: Rows) -> Array:
        """By conditioning on one candidate after the other; results change what is expected, not how sure it is.

        With K the covariance of the batch, S its noise and L L' = K + S, candidate k takes away the squared column k
        of cov(pool, batch) L'^-1.
        """
        part = self.predictive.take(np.concatenate([rows, self.looked_at]))
        number, diagonal = len(rows), part.diagonal()
        columns = part.columns(np.arange(number))
        noise = np.maximum(part.noise_of()[:number], TINY * diagonal[:number] + SMALLEST)
        lower = np.linalg.cholesky(columns[:number] + np.diag(noise))
        taken = solve_triangular(lower, columns[number:].T, lower=True)
        before = float(diagonal[number:].sum())
        return np.asarray((taken**2).sum(axis=1) * (100.0 / before)) if before > 0 else np.zeros(len(rows))


@dataclass(frozen=True)
class Law(Objective):
    """Information about the coefficients of a law of composition: how effects of single perturbations combine."""

    predictive: ValuePredictive
    unit: ClassVar[str] = "nats about how effects combine"

    def gains(self, rows: Rows) -> Array:
        """Half the logarithm of how much each result's variance exceeds its noise, given those before it."""
        part = self.predictive.take(rows)
        noise = np.maximum(part.noise_of(), TINY * part.diagonal() + SMALLEST)
        lower = np.linalg.cholesky(part.columns(np.arange(len(rows))) + np.diag(noise))
        return np.asarray(np.log(np.diag(lower)) - 0.5 * np.log(noise))


@dataclass(frozen=True)
class Hits(Objective):
    """Expected number of hits in the batch."""

    probability: Array
    unit: ClassVar[str] = "expected hits"

    def gains(self, rows: Rows) -> Array:
        """The probability of each to be a hit."""
        return np.asarray(self.probability[rows])


@dataclass(frozen=True)
class Best(Objective):
    """By how much the best of the batch is expected to be better than the best so far."""

    draws: Array
    incumbent: float
    unit: ClassVar[str] = "expected improvement"

    def gains(self, rows: Rows) -> Array:
        """Increments of the mean over joint draws of the best of the batch and what is known."""
        best = np.maximum.accumulate(np.maximum(self.draws[:, rows], self.incumbent), axis=1).mean(axis=0)
        return np.diff(best, prepend=self.incumbent)


@dataclass(frozen=True)
class Doubt(Objective):
    """Uncertainty about the classes of the batch: the sum of entropies, in bits."""

    probability: Array
    unit: ClassVar[str] = "bits of doubt"

    def gains(self, rows: Rows) -> Array:
        """Entropy of the mean prediction of each."""
        chosen = self.probability[rows]
        return np.asarray(-xlogy(chosen, chosen).sum(axis=1) / np.log(2.0))


def objective_of(
    goal: Goal, situation: Situation, share: float | None, rng: np.random.Generator
) -> Objective | None:
    """The yardstick of a goal, or None before there is a model.

    Parameters
    ----------
    goal: what the campaign is for.
    situation: with the model's predictions.
    share: of all candidates that counts as hits, where hits have no threshold.
    rng: chooses the candidates that are looked at, and draws.
    """
    predictive = situation.predictive
    if predictive is None:
        return None
    if isinstance(predictive, ClassPredictive):
        return Doubt(predictive.mean)
    assert isinstance(predictive, ValuePredictive)
    if isinstance(predictive, LinearParameterPredictive) and goal == "mechanism":
        from pajamo.campaigns.proposing.narrowing import Narrowing

        pending = situation.pending
        known = predictive.condition(pending) if len(pending) else predictive
        return Narrowing(known)
    if goal == "mechanism":
        return Law(predictive)
    if goal == "model":
        return LessUncertainty(predictive, _looked_at(predictive, rng))
    if goal == "hits":
        readout = readout_of(situation)
        bar = ProbabilityOfHit(share=share).bar(situation, readout)
        return Hits(beyond(readout.mean, readout.deviation, bar))
    readout = readout_of(situation)
    draws = np.concatenate(list(readout.worlds(WORLDS, rng)))
    return Best(draws, reference(situation, readout))


def _looked_at(predictive: Predictive, rng: np.random.Generator) -> Rows:
    if predictive.size <= LOOKED_AT:
        return np.arange(predictive.size)
    return np.sort(rng.choice(predictive.size, LOOKED_AT, replace=False))
