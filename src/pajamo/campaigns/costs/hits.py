"""The number of true hits that a batch is expected to bring to light."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.special import ndtr, ndtri

from pajamo.campaigns.costs.gains import Gain
from pajamo.campaigns.predictive import Array, Rows, ValuePredictive
from pajamo.campaigns.situation import Target
from pajamo.errors import ModelError
from pajamo.protocols.errors.counts import normal_power

NODES, WEIGHTS = np.polynomial.legendre.leggauss(16)
TAIL, SHARE = (NODES + 1) / 2, WEIGHTS / 2
"""Gauss-Legendre over the share of the distribution beyond the threshold, which is uniform."""
SMALLEST = 1e-12


class HitGain(Gain):
    """Expected number of true hits that are recognised: probability of a hit times the power to see it.

    A candidate is a hit where its true readout lies beyond the threshold, and it is recognised where what is recorded
    differs from `null` in a two-sided z test. Power depends on how far beyond the threshold a hit lies, so it is
    averaged over the predictive distribution of hits rather than taken at its mean.

    Parameters
    ----------
    predictive: of all candidates.
    target: which readout counts, in which direction, from where a candidate is a hit.
    null: readout of the control, where nothing happens.
    level: of the test.

    Raises
    ------
    ModelError: the target has no threshold.
    """

    unit = "true hits recognised"
    separable: ClassVar[bool] = True

    def __init__(
        self, predictive: ValuePredictive, target: Target, *, null: float = 0.0, level: float = 0.05
    ) -> None:
        if target.threshold is None:
            raise ModelError(
                "a hit is not defined: the target has no threshold",
                where="goal hits",
                fix="say from which readout on a perturbation is a hit",
            )
        outputs = predictive.mean.shape[1]
        weights = np.eye(outputs)[0] if target.weights is None else np.asarray(target.weights, dtype=float)
        self._mean = target.of(predictive.mean)
        self._sd = np.sqrt(np.maximum(predictive.variance @ weights**2, 0.0))
        self._threshold, self._null = target.sign * target.threshold, target.sign * null
        self._unit = float((weights**2).sum())
        self._level = level

    @property
    def probability(self) -> Array:
        """That each candidate is a hit; shape (N,)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            away = (self._mean - self._threshold) / self._sd
        sure = np.where(self._mean >= self._threshold, 1.0, 0.0)
        return np.asarray(np.where(self._sd > 0, ndtr(np.where(self._sd > 0, away, 0.0)), sure))

    def recognised(self, precision: Array, rows: Rows | None = None) -> Array:
        """Probability that candidates are hits and are recognised; shape of `precision`, (n, allocations)."""
        chosen = slice(None) if rows is None else rows
        chance, mean, sd = (part[chosen, None] for part in (self.probability, self._mean, self._sd))
        with np.errstate(divide="ignore"):
            variance = self._unit / np.asarray(precision, dtype=float)
        total = np.zeros(np.broadcast_shapes(variance.shape, chance.shape))
        for tail, share in zip(TAIL, SHARE, strict=True):
            beyond = -ndtri(np.maximum(chance * tail, SMALLEST))
            truth = mean + np.where(sd > 0, sd * beyond, 0.0)
            effect = np.maximum(truth, self._threshold) - self._null
            total += share * normal_power(effect, variance, self._level)
        return np.asarray(np.where(precision > 0, chance * total, 0.0))

    def table(self, rows: Rows, before: Array, after: Array) -> Array:
        """By how much the expected number of recognised hits rises."""
        return np.asarray(self.recognised(after, rows) - self.recognised(before[:, None], rows))

    def accept(self, row: int, before: float, after: float) -> None:
        """Nothing changes for other candidates."""

    def fresh(self) -> HitGain:
        """The same."""
        return self

    def take(self, rows: Rows) -> HitGain:
        """The same with some of the candidates."""
        other = object.__new__(HitGain)
        other.__dict__.update(self.__dict__)
        other._mean, other._sd = self._mean[rows], self._sd[rows]
        return other
