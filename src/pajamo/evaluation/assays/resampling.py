"""Bootstrap over sequences: the same resamples for every model, so that differences between models are paired."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pajamo.evaluation.assays.rows import Array
from pajamo.evaluation.information.estimate import LEVEL

RESAMPLES, FEWEST_RESAMPLES = 1000, 200
MOST_DRAWS = 50_000_000
"""Sequences drawn in all: beyond, fewer resamples are taken, as many sequences make narrow and normal intervals."""
LEAST_UNITS = 2
BLOCK = 50
"""Resamples that are held in memory at once."""


def totals(columns: Array, units: NDArray[np.intp]) -> Array:
    """Sums of each column over the rows of each unit, shape (units, columns).

    Parameters
    ----------
    columns: shape (rows, columns).
    units: unit of each row, in any numbers, shape (rows,).
    """
    _, position = np.unique(units, return_inverse=True)
    return np.stack([np.bincount(position, weights=column) for column in columns.T], axis=1)


def resampled_totals(of_units: Array, seed: int, resamples: int | None = None) -> Array:
    """Sums over units drawn with replacement, shape (resamples, columns).

    Units are sequences, not reads: the reads of a sequence share whatever a model gets wrong about it.
    """
    rng = np.random.default_rng(seed)
    units, blocks = len(of_units), []
    if resamples is None:
        resamples = min(max(MOST_DRAWS // max(units, 1), FEWEST_RESAMPLES), RESAMPLES)
    for begin in range(0, resamples, BLOCK):
        count = min(BLOCK, resamples - begin)
        drawn = [np.bincount(rng.integers(units, size=units), minlength=units) for _ in range(count)]
        blocks.append(np.stack(drawn).astype(np.float64) @ of_units)
    return np.concatenate(blocks)


def interval(
    statistic: Callable[[Array], Array], drawn: Array, units: int, level: float = LEVEL
) -> tuple[float, float]:
    """Percentile interval of a statistic of sums, moved outwards for few units; NaN below two.

    The percentile interval of a mean is too narrow by sqrt((n - 1) / n) and by normal instead of t quantiles
    (Hesterberg 2015, Am. Stat. 69:371).

    Parameters
    ----------
    statistic: from sums, shape (resamples, columns), to a number each, shape (resamples,).
    drawn: of `resampled_totals`.
    units: how many there are.
    level: coverage.
    """
    if units < LEAST_UNITS:
        return float("nan"), float("nan")
    values = statistic(drawn)
    known = values[np.isfinite(values)]
    if not len(known):
        return float("nan"), float("nan")
    quantile = stats.t.ppf((1 - level) / 2, units - 1) * np.sqrt(units / (units - 1))
    tail = float(stats.norm.cdf(quantile))
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)
