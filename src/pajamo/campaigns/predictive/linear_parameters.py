"""A mechanism about its optimum: parameters and predictions that are linear in what is not known of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_triangular

from pajamo.campaigns.predictive.base import Array, Rows, ValuePredictive
from pajamo.campaigns.predictive.parameters import ParameterPredictive, place_of
from pajamo.errors import ModelError


@dataclass(frozen=True)
class Aside:
    """What measurements show beside candidates' hidden numbers, such as how the instrument stands.

    Attributes
    ----------
    kinds: how results of noise 1 follow from the unknowns, for some kinds of candidates; shape (G, results, K).
    kind: of each candidate, shape (N,).
    """

    kinds: Array
    kind: NDArray[np.integer]

    def results(self, rows: Rows) -> Array:
        """All results of some candidates, shape (rows x results, K)."""
        return np.asarray(self.kinds[self.kind[rows]].reshape(-1, self.kinds.shape[2]))

    def take(self, rows: Rows) -> Aside:
        """The same for some of the candidates."""
        return Aside(self.kinds, self.kind[rows])


class LinearParameterPredictive(ValuePredictive):
    """Gaussian predictions and parameters that follow from the same unknowns u, standard normal, shape (K,).

    Each candidate has one hidden number, its activity as the instrument takes it, which is mean + factor @ u; every
    output shows it: output d moves by `slopes` of it. Parameters are values + loadings @ u. This is the limit of
    `ParameterPredictive` with infinitely many draws, where predictions are linear in the parameters.

    Parameters
    ----------
    mean: expected outputs, shape (N, D) or (N,).
    factor: of the hidden numbers, shape (N, K).
    loadings: of the parameters, shape (P, K).
    names: of the parameters, P of them.
    slopes: change of each output with the hidden number, shape (N, D); ones if not given.
    noise, scale: as in `ValuePredictive`.
    values, units: of the parameters; zeros, and no unit, if not given.
    aside: what measurements show beside the hidden numbers; nothing if not given.

    Raises
    ------
    ModelError: shapes that do not go together, or parameters that are not finite.
    """

    def __init__(
        self,
        mean: ArrayLike,
        factor: ArrayLike,
        loadings: ArrayLike,
        names: Sequence[str],
        *,
        slopes: ArrayLike | None = None,
        noise: ArrayLike | None = None,
        scale: ArrayLike | None = None,
        values: ArrayLike | None = None,
        units: Sequence[str] | None = None,
        aside: Aside | None = None,
    ) -> None:
        super().__init__(mean, noise, scale)
        self.hidden = np.asarray(factor, dtype=float)
        self.loadings, self.names = np.atleast_2d(np.asarray(loadings, dtype=float)), tuple(names)
        self.slopes = np.ones_like(self.mean) if slopes is None else np.asarray(slopes, dtype=float)
        self.values = np.zeros(len(self.names)) if values is None else np.asarray(values, dtype=float)
        self.units = tuple(units) if units is not None else ("",) * len(self.names)
        self.aside = aside
        self._check()

    def _check(self) -> None:
        size, unknowns = len(self.mean), self.loadings.shape[1]
        fitting = self.hidden.shape == (size, unknowns) and self.slopes.shape == self.mean.shape
        if not fitting or not len(self.names) == len(self.loadings) == len(self.values) == len(self.units):
            raise ModelError(
                f"factor {self.hidden.shape}, loadings {self.loadings.shape}, slopes {self.slopes.shape} and "
                f"{len(self.names)} names do not go together",
                where="predictive distribution",
                fix="give a row a candidate, a row a parameter, and a column an unknown in both",
            )
        if not (np.isfinite(self.loadings).all() and np.isfinite(self.values).all()):
            raise ModelError("a parameter is not finite", where="predictive distribution")

    @property
    def deviations(self) -> Array:
        """Standard deviation of each parameter, in its unit; shape (P,)."""
        return np.asarray(np.sqrt((self.loadings**2).sum(axis=1)))

    @property
    def precision(self) -> Array:
        """What all outputs of one measurement tell of a candidate's hidden number: 1 / variance, shape (N,)."""
        known = np.divide(self.slopes**2, self.noise, out=np.zeros_like(self.slopes), where=self.noise > 0)
        return np.asarray(known.sum(axis=1))

    @property
    def variance(self) -> Array:
        """Variance of each true value; shape (N, D)."""
        return np.asarray(np.einsum("nk,nk->n", self.hidden, self.hidden)[:, None] * self.slopes**2)

    def samples(self, number: int, rng: np.random.Generator) -> Array:
        """Draws of all candidates' true values together; shape (number, N, D)."""
        return self._worlds(rng.standard_normal((number, self.hidden.shape[1])))

    def draws(self, number: int, rng: np.random.Generator) -> ParameterPredictive:
        """Draws of parameters and of what each set of them predicts."""
        unknowns = rng.standard_normal((number, self.hidden.shape[1]))
        parameters = self.values + unknowns @ self.loadings.T
        return ParameterPredictive(self._worlds(unknowns), parameters, self.names, self.noise, self.scale)

    def columns(self, rows: Rows) -> Array:
        """Covariance with some candidates, summed over outputs in units of `scale`."""
        shown = self.slopes / self.scale
        return np.asarray((self.hidden @ self.hidden[rows].T) * (shown @ shown[rows].T))

    def diagonal(self) -> Array:
        """Variance summed over outputs in units of `scale`; shape (N,)."""
        return np.asarray((self.variance / self.scale**2).sum(axis=1))

    def factor(self, rank: int = 256) -> Array:
        """Of one output its own factor; of several by pivots."""
        if self.mean.shape[1] > 1:
            return super().factor(rank)
        return np.asarray(self.hidden * (self.slopes / self.scale))

    def finite(self) -> NDArray[np.bool_]:
        """Candidates of which mean, factor, slopes and noise are finite."""
        parts = (self.mean, self.hidden, self.slopes, self.noise)
        return np.asarray(np.all([np.isfinite(part).all(axis=1) for part in parts], axis=0))

    def take(self, rows: Rows) -> LinearParameterPredictive:
        """The same for some of the candidates."""
        aside = None if self.aside is None else self.aside.take(rows)
        part = self.mean[rows], self.hidden[rows], self.slopes[rows], self.noise[rows]
        return self._with(*part, self.loadings, aside)

    def condition(self, rows: Rows) -> LinearParameterPredictive:
        """Once these candidates have been measured: u has the precision 1 + results' results then."""
        seen = self.results(rows)
        lower = np.linalg.cholesky(np.eye(self.hidden.shape[1]) + seen.T @ seen)
        root = solve_triangular(lower, np.eye(len(lower)), lower=True).T
        aside = None if self.aside is None else replace(self.aside, kinds=self.aside.kinds @ root)
        return self._with(self.mean, self.hidden @ root, self.slopes, self.noise, self.loadings @ root, aside)

    def results(self, rows: Rows) -> Array:
        """How the results of some candidates follow from u, in units of their noise; shape (results, K)."""
        seen = self.hidden[rows] * np.sqrt(self.precision[rows])[:, None]
        return seen if self.aside is None else np.concatenate([seen, self.aside.results(rows)])

    def deviations_after(self, rows: Rows) -> Array:
        """Standard deviation of each parameter once these candidates have been measured; shape (P,)."""
        seen = self.results(rows)
        lower = np.linalg.cholesky(np.eye(self.hidden.shape[1]) + seen.T @ seen)
        left = solve_triangular(lower, self.loadings.T, lower=True)
        return np.asarray(np.sqrt((left**2).sum(axis=0)))

    def of_interest(self, about: Sequence[str] | None) -> Array:
        """Loadings of the parameters with these names, or of all; shape (number of them, K).

        Raises
        ------
        ModelError: a name that no parameter has.
        """
        return self.loadings if about is None else self.loadings[place_of(about, self.names)]

    def _worlds(self, unknowns: Array) -> Array:
        return np.asarray(self.mean + (unknowns @ self.hidden.T)[:, :, None] * self.slopes)

    def _with(
        self,
        mean: Array,
        hidden: Array,
        slopes: Array,
        noise: Array,
        loadings: Array,
        aside: Aside | None,
    ) -> LinearParameterPredictive:
        return LinearParameterPredictive(
            mean,
            hidden,
            loadings,
            self.names,
            slopes=slopes,
            noise=noise,
            scale=self.scale,
            values=self.values,
            units=self.units,
            aside=aside,
        )
