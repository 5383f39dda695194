"""What it is worth to measure a candidate, and how well: gains of raising its precision."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import numpy as np
from scipy.linalg import solve_triangular

from pajamo.campaigns.predictive import Array, Rows, ValuePredictive

LEAST = 1e-300


class Gain(ABC):
    """The worth of measuring candidates, as precisions of what is recorded of them rise.

    A precision is one over the variance of a recorded effect around the true one; 0 where nothing was measured.
    A candidate that was measured before, or that is given more cells, rises from a precision that is not 0.

    `unit` is that of gains; `separable` says that no candidate's gain depends on another's, so that each
    is the difference of what two precisions are worth.
    """

    unit: str = ""
    separable: ClassVar[bool] = False

    @abstractmethod
    def table(self, rows: Rows, before: Array, after: Array) -> Array:
        """Gains of some candidates.

        Parameters
        ----------
        rows: which ones, shape (n,).
        before: precision of each, shape (n,).
        after: to which each allocation would raise it, shape (n, allocations).

        Returns
        -------
        Shape (n, allocations).
        """

    @abstractmethod
    def accept(self, row: int, before: float, after: float) -> None:
        """Take it as done that a candidate's precision is raised."""

    def total(self, rows: Rows, before: Array, after: Array) -> float:
        """Gain of a whole batch; `after` is the precision that each one's own allocation brings, shape (n,)."""
        left, found = self.fresh(), 0.0
        for row, low, high in zip(rows.tolist(), before.tolist(), after.tolist(), strict=True):
            found += float(left.table(np.array([row]), np.array([low]), np.array([[high]]))[0, 0])
            left.accept(row, low, high)
        return found

    @abstractmethod
    def fresh(self) -> Gain:
        """The same, before anything was accepted."""

    @abstractmethod
    def take(self, rows: Rows) -> Gain:
        """The same with some of the candidates only, before anything was accepted."""


class ModelGain(Gain):
    """How much less the model does not know: decrease of the predictive variance, summed over candidates.

    Measuring candidate r with noise v lowers the sum by |K_r|^2 / (K_rr + v), where K_r is a column of the posterior
    covariance (Cohn 1996, "active learning with statistical models", eq. 10 for a linear model); afterwards
    K is K - K_r K_r' / (K_rr + v). More cells for the same candidate are a further measurement with noise
    1 / (1/v_2 - 1/v_1). K is F F' with F of low rank, so one step costs candidates times rank.

    Parameters
    ----------
    predictive: of all candidates, with what is pending conditioned on.
    over: candidates whose variance counts, all if not given.
    misfit: variance of a candidate's true value around what the model can express, in squared units of the
        values: no replicate lowers it, and it teaches the model nothing.
    rank: most columns of F, where the predictive distribution has no factor of its own.
    """

    unit = "summed variance"
    _squares: Array
    _own: Array

    def __init__(
        self,
        predictive: ValuePredictive,
        *,
        over: Rows | None = None,
        misfit: float = 0.0,
        rank: int = 256,
    ) -> None:
        self._start = predictive.factor(rank)
        counted = self._start if over is None else self._start[over]
        self._start_gram = counted.T @ counted
        self._unit = float((1.0 / predictive.scale**2).sum())
        self._misfit = misfit
        self._begin()

    def table(self, rows: Rows, before: Array, after: Array) -> Array:
        """Decrease of the summed variance."""
        first, then = self._effective(before)[:, None], self._effective(after)
        noise = self._unit / np.maximum(then - first, LEAST)
        squares, own = self._squares[rows, None], self._own[rows, None]
        return np.asarray(np.where(then > first, squares / (own + noise), 0.0))

    def accept(self, row: int, before: float, after: float) -> None:
        """One rank-one update."""
        rise = float(self._effective(np.array(after)) - self._effective(np.array(before)))
        if rise <= 0:
            return
        seen = self._factor[row].copy()
        length = float(seen @ seen)
        weight = 1.0 / (length + self._unit / rise)
        along, turned = self._factor @ seen, self._gram @ seen
        size = float(seen @ turned)
        self._squares += along * (weight**2 * size * along - 2 * weight * (self._factor @ turned))
        self._squares = np.maximum(self._squares, 0.0)
        self._own = np.maximum(self._own - weight * along**2, 0.0)
        self._downdate(seen, length, weight, along)

    def total(self, rows: Rows, before: Array, after: Array) -> float:
        """With R the batch's rows of F and N the noise of what is added: the trace of (R R' + N)^-1 R F' F R'."""
        rise = self._effective(after) - self._effective(before)
        seen = self._start[rows[rise > 0]]
        noise = np.diag(self._unit / np.maximum(rise[rise > 0], LEAST))
        lower = np.linalg.cholesky(seen @ seen.T + noise)
        turned = solve_triangular(lower, seen, lower=True)
        return float(np.einsum("bk,kl,bl->", turned, self._start_gram, turned, optimize=True))

    def fresh(self) -> ModelGain:
        """The same, before anything was accepted."""
        other = object.__new__(ModelGain)
        other.__dict__.update(self.__dict__)
        other._begin()
        return other

    def take(self, rows: Rows) -> ModelGain:
        """The same with some of the candidates to choose from; the variance of all still counts."""
        other: ModelGain = self.fresh()
        other._start = self._start[rows]
        other._begin()
        return other

    def _begin(self) -> None:
        self._factor, self._gram = self._start, self._start_gram
        self._squares = np.einsum("nk,kl,nl->n", self._factor, self._gram, self._factor, optimize=True)
        self._own = np.einsum("nk,nk->n", self._factor, self._factor)

    def _downdate(self, seen: Array, length: float, weight: float, along: Array) -> None:
        """F becomes F (I - b s s') with b |s|^2 = 1 - sqrt(1 - weight |s|^2), and so does what F is squared to."""
        if length == 0.0:
            return
        share = (1.0 - np.sqrt(max(1.0 - weight * length, 0.0))) / length
        self._factor = self._factor - np.outer(along, seen) * share
        half = self._gram - np.outer(self._gram @ seen, seen) * share
        self._gram = half - np.outer(seen, seen @ half) * share

    def _effective(self, precision: Array) -> Array:
        """Precision as the model sees it, which takes the misfit for noise."""
        return precision / (1.0 + self._misfit * precision)


class LawGain(ModelGain):
    """How much a batch tells of a law that is linear in its coefficients: information in nats, D-optimality.

    Measuring candidate r with noise v adds log(1 + K_rr / v) / 2 (Chaloner and Verdinelli 1995, section 2.2);
    afterwards K is updated as in `ModelGain`. Of several alike outputs, the gain is that of one.
    """

    unit = "nats"

    def table(self, rows: Rows, before: Array, after: Array) -> Array:
        """Information about the coefficients."""
        rise = self._effective(after) - self._effective(before)[:, None]
        return np.asarray(0.5 * np.log1p(self._own[rows, None] * np.maximum(rise, 0.0) / self._unit))

    def total(self, rows: Rows, before: Array, after: Array) -> float:
        """log det(1 + N^-1/2 R R' N^-1/2) / 2, with R the batch's rows of F."""
        rise = np.maximum(self._effective(after) - self._effective(before), 0.0) / self._unit
        scaled = self._start[rows] * np.sqrt(rise)[:, None]
        return float(0.5 * np.linalg.slogdet(np.eye(len(rows)) + scaled @ scaled.T)[1])

    def fresh(self) -> LawGain:
        """The same, before anything was accepted."""
        other = object.__new__(LawGain)
        other.__dict__.update(self.__dict__)
        other._begin()
        return other


Table = Callable[[Rows, Array, Array], Array]
Accepted = Callable[[int, float, float], None]


class CallableGain(Gain):
    """Gains that a function gives: what is learned of a mechanism's parameters, or anything else.

    Parameters
    ----------
    begin: makes, for each attempt at a batch, the function (rows, before, after) -> gains as in `Gain.table`, and
        what takes note of accepted candidates (row, before, after), or None if candidates are independent.
    unit: of the gains.
    """

    def __init__(self, begin: Callable[[], tuple[Table, Accepted | None]], *, unit: str = "") -> None:
        self._make = begin
        self._table, self._accepted = begin()
        self._rows: Rows | None = None
        self.unit = unit

    def table(self, rows: Rows, before: Array, after: Array) -> Array:
        """What the function gives."""
        chosen = rows if self._rows is None else self._rows[rows]
        return np.asarray(self._table(chosen, before, after), dtype=float)

    def accept(self, row: int, before: float, after: float) -> None:
        """Tell what takes note of it, if anything does."""
        if self._accepted is not None:
            self._accepted(row if self._rows is None else int(self._rows[row]), before, after)

    def fresh(self) -> CallableGain:
        """The same, before anything was accepted."""
        other = CallableGain(self._make, unit=self.unit)
        other._rows = self._rows
        return other

    def take(self, rows: Rows) -> CallableGain:
        """The same with some of the candidates; the function is told their rows of the whole pool."""
        other = self.fresh()
        other._rows = rows if self._rows is None else self._rows[rows]
        return other
