"""Experiments simulated by rivals, and what their results would say of the rivals."""

from __future__ import annotations

import numpy as np

from pajamo.campaigns.predictive import Array, Rows
from pajamo.campaigns.predictive.rivals import RivalPredictive


class SimulatedResults:
    """Simulated results of a growing batch, and the likelihood of every rival's every draw given them.

    The draw that made a result does not count towards its rival's likelihood. With it, a draw would vouch for its
    own rival; without it, the information found is a lower bound in expectation (Barber and Agakov 2003).

    Parameters
    ----------
    predictive: rivals with noise above 0.
    draws: of each rival.
    simulations: experiments in all; each rival makes them in proportion to its weight, at least one.
    """

    def __init__(
        self, predictive: RivalPredictive, draws: int, simulations: int, rng: np.random.Generator
    ) -> None:
        count = len(predictive.rivals)
        self._values = np.concatenate([rival.samples(draws, rng) for rival in predictive.rivals])
        self._noise = np.stack([rival.noise for rival in predictive.rivals])
        self._rival = np.repeat(np.arange(count), draws)
        each = np.maximum(np.round(simulations * predictive.weights).astype(int), 1)
        self._true = np.repeat(np.arange(count), each)
        self._share = predictive.weights[self._true] / each[self._true]
        self._maker = self._true * draws + np.concatenate([np.arange(number) % draws for number in each])
        self._luck = rng.standard_normal((len(self._true), predictive.mean.shape[1]))
        start = np.repeat(np.log(predictive.weights) - np.log(draws), draws)
        self._likelihood = np.tile(start, (len(self._true), 1))
        self._likelihood += np.log(draws / (draws - 1.0)) * (self._rival == self._true[:, None])
        self._likelihood[np.arange(len(self._true)), self._maker] = -np.inf
        self._draws = draws
        self._rng = rng

    def information(self, rows: Rows) -> Array:
        """How much each candidate's result adds to the log probability of the right rival, on average; (n,)."""
        before = self._support(self._likelihood)
        return np.array([self._support(self._after(row, self._luck)) - before for row in rows])

    def add(self, row: int) -> None:
        """One more candidate in the batch, its noise drawn anew."""
        self._likelihood = self._after(row, self._rng.standard_normal(self._luck.shape))

    def _after(self, row: int, luck: Array) -> Array:
        """Log weight of every draw after each simulated result of this candidate; shape (K, M S)."""
        noise = self._noise[:, row]
        result = self._values[self._maker, row] + np.sqrt(noise[self._true]) * luck
        found = self._likelihood.copy()
        of_draw = noise[self._rival]
        for output in range(result.shape[1]):
            apart = result[:, output][:, None] - self._values[:, row, output]
            apart *= apart
            apart *= 0.5 / of_draw[:, output]
            found -= apart
        return np.asarray(found - 0.5 * np.log(of_draw).sum(axis=1))

    def _support(self, likelihood: Array) -> float:
        """Mean log probability of the rival that made the results."""
        weights = np.exp(likelihood - likelihood.max(axis=1, keepdims=True))
        by_rival = weights.reshape(len(weights), -1, self._draws).sum(axis=2)
        own = np.maximum(by_rival[np.arange(len(weights)), self._true], np.finfo(float).tiny)
        return float(self._share @ np.log(own / by_rival.sum(axis=1)))
