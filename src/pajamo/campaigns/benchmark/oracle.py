"""Results of an experiment that was done already, given out only as they are asked for, and each look counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pajamo.campaigns.predictive import Array, Rows
from pajamo.errors import DataError


@dataclass(frozen=True)
class Results:
    """What one round of measurements brought.

    Attributes
    ----------
    rows: candidate of each measurement; shape (M,).
    values: what was recorded, NaN where the measurement failed; shape (M, D).
    failed: whether any output of the measurement is missing; shape (M,).
    looks: how often the candidate was measured before; shape (M,).
    """

    rows: Rows
    values: Array
    failed: np.ndarray[tuple[int], np.dtype[np.bool_]]
    looks: Rows


class Oracle:
    """Stands for the laboratory. A strategy is given what `measure` returned, never the oracle.

    The k-th look at a candidate shows its k-th recorded measurement. Where candidates were measured less often than
    a strategy asks, further measurements can be drawn: the mean of what was recorded, plus noise as real replicates
    show it.

    Parameters
    ----------
    measurements: shape (N, R, D): R measurements of D outputs of each candidate. NaN: it failed, or was not made.
    noise: deviations of real replicates from the truth, shape (K, D); see `replicate_noise`. With it, every look
        beyond the recorded ones is drawn; without it, such a look is an error.
    added: whether noise is added to recorded measurements too (sets recorded once, made as noisy as a screen).
    seed: of drawn noise; the same candidate and look always show the same value.

    Raises
    ------
    DataError: shapes that do not go together, or noise that is not finite.
    """

    def __init__(
        self, measurements: ArrayLike, *, noise: ArrayLike | None = None, added: bool = False, seed: int = 0
    ) -> None:
        found = np.array(measurements, dtype=float)
        if found.ndim != 3:
            raise DataError(
                f"measurements have the shape {found.shape}",
                where="oracle",
                fix="give an array of shape (candidates, measurements of each, outputs)",
            )
        self._measurements = found
        self._noise = None if noise is None else _checked_noise(noise, found.shape[2])
        self._added, self._seed = added and noise is not None, seed
        self._looks = np.zeros(len(found), dtype=np.intp)
        self._by_round: list[tuple[int, int]] = []

    @property
    def size(self) -> int:
        """Number of candidates, N."""
        return len(self._measurements)

    @property
    def looks(self) -> Rows:
        """How often each candidate was measured; shape (N,)."""
        return self._looks.copy()

    @property
    def record(self) -> tuple[tuple[int, int], ...]:
        """Round and candidate of every look, in order."""
        return tuple(self._by_round)

    def measure(self, rows: ArrayLike, round_number: int) -> Results:
        """Measure candidates; one that stands in `rows` twice is measured twice.

        Raises
        ------
        DataError: a candidate that does not exist, or further measurements that were never made.
        """
        asked = np.atleast_1d(np.asarray(rows, dtype=np.intp))
        if len(asked) and (asked.min() < 0 or asked.max() >= self.size):
            raise DataError(
                f"candidates {asked.min()} to {asked.max()} are asked for, and there are {self.size:,}",
                where=f"oracle, round {round_number}",
            )
        looks = np.array([self._look(int(row), round_number) for row in asked], dtype=np.intp)
        values = np.array([self._value(int(row), int(look)) for row, look in zip(asked, looks, strict=True)])
        values = values.reshape(len(asked), self._measurements.shape[2])
        return Results(asked, values, ~np.isfinite(values).all(axis=1), looks)

    def left(self, rows: Rows) -> Rows:
        """How many further measurements of these candidates can be shown, at most; shape (rows,)."""
        if self._noise is not None:
            return np.full(len(rows), np.iinfo(np.intp).max)
        return np.asarray(np.maximum(self._measurements.shape[1] - self._looks[rows], 0), dtype=np.intp)

    def _look(self, row: int, round_number: int) -> int:
        look = int(self._looks[row])
        if look >= self._measurements.shape[1] and self._noise is None:
            raise DataError(
                f"candidate {row} is measured for time {look + 1}, and {look} measurements are recorded",
                where=f"oracle, round {round_number}",
                fix="measure another candidate, or give `noise` of real replicates to draw further measurements",
            )
        self._looks[row] += 1
        self._by_round.append((round_number, row))
        return look

    def _value(self, row: int, look: int) -> Array:
        recorded = look < self._measurements.shape[1]
        value = self._measurements[row, look] if recorded else mean_of(self._measurements[row][None])[0]
        if self._noise is None or (recorded and not self._added):
            return np.asarray(value)
        rng = np.random.default_rng([self._seed, row, look])
        return np.asarray(value + self._noise[rng.integers(len(self._noise))])


def mean_of(measurements: Array) -> Array:
    """Mean over measurements that did not fail, NaN where all did; shape (N, R, D) to (N, D)."""
    there = np.isfinite(measurements)
    total = np.where(there, measurements, 0.0).sum(axis=1)
    number = there.sum(axis=1)
    return np.asarray(np.divide(total, number, out=np.full_like(total, np.nan), where=number > 0))


def replicate_noise(measurements: ArrayLike) -> Array:
    """Deviations of real replicates from their candidate's mean, as large as those from the truth.

    The mean of n replicates has n-th part of the noise in it, so deviations are stretched by sqrt(n / (n - 1)).

    Parameters
    ----------
    measurements: shape (N, R, D).

    Returns
    -------
    Shape (K, D), those that are finite.

    Raises
    ------
    DataError: no candidate was measured twice.
    """
    found = np.asarray(measurements, dtype=float)
    number = np.isfinite(found).all(axis=2).sum(axis=1)
    twice = found[number > 1]
    if not len(twice):
        raise DataError("no candidate was measured twice", where="replicates", fix="noise needs replicates")
    stretch = np.sqrt(number[number > 1] / (number[number > 1] - 1.0))[:, None, None]
    away = ((twice - mean_of(twice)[:, None]) * stretch).reshape(-1, found.shape[2])
    return np.asarray(away[np.isfinite(away).all(axis=1)])


def _checked_noise(noise: ArrayLike, outputs: int) -> Array:
    found = np.asarray(noise, dtype=float)
    found = found[:, None] if found.ndim == 1 else found
    if found.ndim != 2 or found.shape[1] != outputs or not len(found) or not np.isfinite(found).all():
        raise DataError(
            f"noise has the shape {found.shape}, for {outputs} outputs",
            where="oracle",
            fix="give finite deviations of shape (deviations, outputs)",
        )
    return found
