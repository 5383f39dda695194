"""Expected information about a mechanism's parameters: what to measure to narrow one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import logsumexp

from pajamo.campaigns.acquisition.base import Acquisition, Selection, open_scores
from pajamo.campaigns.acquisition.greedy import best_row
from pajamo.campaigns.acquisition.linear_information import LinearResults
from pajamo.campaigns.predictive import Array, Rows, SampledPredictive
from pajamo.campaigns.predictive.linear_parameters import LinearParameterPredictive
from pajamo.campaigns.predictive.parameters import ParameterPredictive
from pajamo.campaigns.situation import Situation
from pajamo.errors import ModelError

MOST_NUMBERS = 8_000_000
"""Numbers of covariances between outputs computed at once (64 MB)."""


@dataclass(frozen=True, kw_only=True)
class ExpectedInformation(Acquisition):
    """How much the results of a batch are expected to tell about some parameters of a mechanism.

    In the joint Gaussian of parameters and results (that of a mechanism about its optimum, or the one that has the
    draws' covariance): half the logarithm of how many times the variance of the results shrinks once the parameters
    of interest are known; the others, nuisances, keep their spread. Exact where predictions are linear in the
    parameters. Each member of a batch is judged after those before it.

    Attributes
    ----------
    about: names of the parameters of interest; all of them if not given.
    """

    name: ClassVar[str] = "expected-information"
    source: ClassVar[str] = (
        "Lindley 1956 (Ann Math Stat 27, 986); Gaussian: Chaloner and Verdinelli 1995, D_s"
    )
    unit: ClassVar[str] = "nats"

    about: Sequence[str] | None = None

    def choose(self, situation: Situation, number: int) -> Selection:
        """The greedy batch, by one rank-one update for each output that a member shows."""
        predictive = parameters_of(situation)
        free = open_scores(situation, np.where(predictive.finite(), 0.0, np.nan))
        state = _results(predictive, self.about)
        chosen: Rows = np.zeros(number, dtype=np.intp)
        gains, scores = np.zeros(number), free
        for place in range(number):
            found = state.information() + free
            scores = found if place == 0 else scores
            row = best_row(found, situation.rng)
            chosen[place], gains[place] = row, found[row]
            free[row] = np.nan
            state.add(row)
        return Selection(chosen, gains, scores)

    def why(self, selection: Selection, place: int) -> str:
        """How much an interval is expected to shrink."""
        about = "the parameters" if self.about is None else ", ".join(self.about)
        share = np.exp(-selection.gains[place])
        return (
            f"its result is expected to tell {selection.gains[place]:.3g} nats about {about}: "
            f"their region of confidence shrinks to {100 * share:.0f} %"
        )


def parameters_of(situation: Situation) -> ParameterPredictive | LinearParameterPredictive:
    """The predictive distribution, which has to come with parameters and with noise.

    Raises
    ------
    ModelError: a model without parameters, or with measurements without noise.
    """
    predictive = situation.values()
    if not isinstance(predictive, ParameterPredictive | LinearParameterPredictive):
        raise ModelError(
            f"information about parameters needs their draws or how predictions follow from them, and the model "
            f"gives {type(predictive).__name__}",
            where="acquisition",
            fix="fit a mechanism, whose predictions come with the parameters that make them",
        )
    if (predictive.noise[predictive.finite()] <= 0.0).any():
        raise ModelError(
            "a measurement without noise tells infinitely much about a parameter",
            where="predictive distribution",
            fix="give the variance of one measurement as noise",
        )
    return predictive


class _Results:
    """All candidates' results: their covariance, and what is left of it once the parameters are known."""

    def __init__(self, spread: _Covariance, left: _Covariance, outputs: int) -> None:
        self._spread, self._left, self._outputs = spread, left, outputs

    def information(self) -> Array:
        """What each candidate would tell; nats, shape (N,)."""
        return np.maximum(0.5 * (self._spread.log_size() - self._left.log_size()), 0.0)

    def add(self, row: int) -> None:
        """One more candidate in the batch, with all its outputs."""
        for place in range(row * self._outputs, (row + 1) * self._outputs):
            self._spread.measure(place)
            self._left.measure(place)


def _results(
    predictive: ParameterPredictive | LinearParameterPredictive, about: Sequence[str] | None
) -> _Results | LinearResults:
    if isinstance(predictive, LinearParameterPredictive):
        return LinearResults(predictive, predictive.of_interest(about))
    return _of_draws(predictive, predictive.of_interest(about))


def _of_draws(predictive: ParameterPredictive, parameters: Array) -> _Results:
    size, outputs = predictive.mean.shape
    whole = predictive.finite()[:, None]
    # Each output in units of its own noise, in which the noise is 1.
    away = np.where(whole, predictive.draws - predictive.mean, 0.0)
    away /= np.sqrt(np.where(whole, predictive.noise, 1.0))
    factor = away.transpose(1, 2, 0).reshape(size * outputs, -1) / np.sqrt(len(away) - 1)
    left = _Covariance(_unexplained(factor, parameters), outputs)
    return _Results(_Covariance(factor, outputs), left, outputs)


class _Covariance:
    """F F' less what measurements of noise 1 explain; of each candidate only the block of its own outputs is kept.

    Parameters
    ----------
    factor: F, shape (candidates x outputs, K).
    outputs: of each candidate.
    """

    def __init__(self, factor: Array, outputs: int) -> None:
        self._factor, self._seen = factor, np.zeros((len(factor), 0))
        stacked = factor.reshape(-1, outputs, factor.shape[1])
        self._blocks = np.empty((len(stacked), outputs, outputs))
        step = max(1, MOST_NUMBERS // (outputs * factor.shape[1]))
        for start in range(0, len(stacked), step):
            part = stacked[start : start + step]
            self._blocks[start : start + step] = part @ part.transpose(0, 2, 1)

    def measure(self, place: int) -> None:
        """Measure one output of one candidate: one column and one rank-one correction."""
        column = self._factor @ self._factor[place] - self._seen @ self._seen[place]
        column /= np.sqrt(max(float(column[place]), 0.0) + 1.0)
        self._seen = np.column_stack([self._seen, column])
        by_output = column.reshape(len(self._blocks), -1)
        self._blocks -= by_output[:, :, None] * by_output[:, None, :]

    def log_size(self) -> Array:
        """log det(covariance of each candidate's outputs + 1); shape (N,)."""
        outputs = self._blocks.shape[1]
        if outputs == 1:
            return np.asarray(np.log1p(np.maximum(self._blocks[:, 0, 0], 0.0)))
        return np.asarray(np.linalg.slogdet(self._blocks + np.eye(outputs))[1])


def _unexplained(factor: Array, parameters: Array) -> Array:
    """The part of each row that no linear function of the parameters follows, unbiased in few draws.

    Raises
    ------
    ModelError: fewer draws than can tell chance from dependence.
    """
    away = parameters - parameters.mean(axis=0)
    draws = len(away)
    left, size, _ = np.linalg.svd(
        away / np.maximum(away.std(axis=0), np.finfo(float).tiny), full_matrices=False
    )
    axes = left[:, size > 1e-9 * max(float(size.max(initial=0.0)), 1e-9)]
    if draws < axes.shape[1] + 3:
        raise ModelError(
            f"{draws} draws cannot tell how predictions depend on {axes.shape[1]} parameters",
            where="predictive distribution",
            fix="give at least ten draws for each parameter of interest",
        )
    degrees = (draws - 1.0) / (draws - 1.0 - axes.shape[1])
    return np.asarray((factor - (factor @ axes) @ axes.T) * np.sqrt(degrees))


def nested_information(
    predictive: SampledPredictive, row: int, rng: np.random.Generator, number: int = 2000
) -> float:
    """Information of one candidate's result about all parameters without any Gaussian, by nested Monte Carlo; nats.

    E[log p(y | theta_s) - log mean over the other draws of p(y | theta)], a check of the closed form that costs
    number x S evaluations. At most log(S - 1) can be found, and the error of the inner mean is about (e^I - 1) / 2S.

    Source: Rainforth et al. 2018 (ICML, 4267), equation 4, with the draw itself left out of the inner mean.
    """
    values, deviation = predictive.draws[:, row], np.sqrt(predictive.noise[row])
    which = np.arange(number) % len(values)
    result = values[which] + deviation * rng.standard_normal((number, values.shape[1]))
    away = (result[:, None] - values[None]) / deviation
    likelihood = -0.5 * (away**2).sum(axis=2)
    own = likelihood[np.arange(number), which].copy()
    likelihood[np.arange(number), which] = -np.inf
    return float((own - logsumexp(likelihood, axis=1) + np.log(len(values) - 1)).mean())
