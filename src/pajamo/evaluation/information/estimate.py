"""A quantity of information with its error, and the half-sampling that gives the error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

LEVEL = 0.95
HALVES = 25


@dataclass(frozen=True)
class InformationEstimate:
    """Information or entropy in bits, with what the data allow to say of it.

    Neither the value nor the limits are cut off at zero: an estimate that is honest about independent
    variables falls below zero half of the time.

    Attributes
    ----------
    bits: the estimate, with its bias corrected as `method` says.
    standard_error: standard error in bits.
    low, high: limits of the interval that covers the true value in `level` of all experiments.
    method: the estimator, in words.
    observations: reads or rows behind the estimate.
    level: coverage of the interval.
    """

    bits: float
    standard_error: float
    low: float
    high: float
    method: str
    observations: int
    level: float = LEVEL

    @classmethod
    def of(
        cls, bits: float, standard_error: float, *, freedom: float, method: str, observations: int
    ) -> InformationEstimate:
        """Put Student's interval around an estimate whose error rests on `freedom` degrees of freedom."""
        reach = float(stats.t.ppf((1 + LEVEL) / 2, freedom)) * standard_error
        return cls(bits, standard_error, bits - reach, bits + reach, method, observations)


def over_halves(statistic: Callable[[Indices], float], rows: int, *, halves: int, seed: int) -> Array:
    """Evaluate a statistic on random halves of the rows, drawn without replacement.

    The standard deviation over the halves is itself the standard error of the whole. A half drawn without
    replacement scatters around the whole with variance (1 / (n / 2)) (1 - 1 / 2) s² = s² / n, which is that
    of the whole around the truth; to divide it by sqrt(2) once more, as if the halves were independent
    experiments, makes errors too small by that factor.

    Source: Shao and Wu 1989, Ann. Stat. 17:1176 (the jackknife that leaves half of the data out).

    Parameters
    ----------
    statistic: maps row numbers, shape (rows // 2,), to a number.
    rows: how many rows there are.
    halves: how many halves to draw.
    seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    drawn = (np.sort(rng.permutation(rows)[: rows // 2]) for _ in range(halves))
    return np.array([statistic(half) for half in drawn])


def from_halves(
    bits: float, over: Array, *, method: str, observations: int, floor: float = 0.0
) -> InformationEstimate:
    """Estimate with the error that its values over halves show, never smaller than `floor`."""
    error = max(float(over.std(ddof=1)), floor)
    return InformationEstimate.of(
        bits, error, freedom=len(over) - 1, method=method, observations=observations
    )
