"""What replicates of a screen allow: no strategy can find what a second experiment does not show again."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from pajamo.campaigns.predictive import Array
from pajamo.errors import DataError
from pajamo.evaluation.bootstrap import Resamples

SHARES = (0.05, 0.01)
"""Top shares of candidates that are called hits."""
FEWEST = 20
"""Candidates measured twice below which nothing is said."""
DRAWS = 400


@dataclass(frozen=True)
class Agreement:
    """One measure of how far replicates agree: mean over pairs of replicates, with its interval over candidates."""

    value: float
    low: float
    high: float
    chance: float

    @property
    def beyond_chance(self) -> bool:
        """Whether the whole interval lies above what chance gives."""
        return self.low > self.chance


@dataclass(frozen=True)
class Ceiling:
    """How far the replicates of a screen agree.

    Attributes
    ----------
    replicates: number of them; with candidates, the candidates measured by all.
    correlation, spearman: between replicates.
    overlap: share of one replicate's hits that is among the other's, by the share called hits.
    reliability: of the mean of all replicates (Spearman and Brown): share of its variance that would be seen again.
    """

    replicates: int
    candidates: int
    correlation: Agreement
    spearman: Agreement
    overlap: dict[float, Agreement]
    reliability: float

    def verdict(self, goal: Literal["model", "hits"] = "hits", share: float = SHARES[0]) -> str:
        """In words: "noise" if the replicates do not agree beyond chance in what the goal needs."""
        found = self.overlap[share] if goal == "hits" else self.correlation
        what = f"overlap of the top {share:.0%}" if goal == "hits" else "correlation of replicates"
        figures = f"{what} {found.value:.3f} [{found.low:.3f}, {found.high:.3f}], chance {found.chance:.3f}"
        return f"ceiling: {figures}" if found.beyond_chance else f"noise: {figures}"

    def is_noise(self, goal: Literal["model", "hits"] = "hits", share: float = SHARES[0]) -> bool:
        """Whether replicates do not agree beyond chance."""
        return not (self.overlap[share] if goal == "hits" else self.correlation).beyond_chance


def reliability(correlation: float, replicates: float) -> float:
    """Reliability of the mean of several replicates: k r / (1 + (k - 1) r), Spearman 1910 and Brown 1910."""
    return replicates * correlation / (1.0 + (replicates - 1.0) * correlation)


def ceiling(
    measurements: ArrayLike,
    *,
    shares: tuple[float, ...] = SHARES,
    by: Literal["high", "low", "magnitude"] = "high",
    level: float = 0.95,
    seed: int = 0,
) -> Ceiling:
    """Agreement of replicates.

    Parameters
    ----------
    measurements: shape (N, R): R replicates of N candidates. Candidates with a failed one are left out.
    shares: of candidates that are called hits.
    by: whether hits have high values, low ones, or large ones of either sign.

    Raises
    ------
    DataError: fewer than two replicates, or fewer than 20 candidates measured by all.
    """
    found = np.asarray(measurements, dtype=float)
    found = found[np.isfinite(found).all(axis=1)] if found.ndim == 2 else found
    if found.ndim != 2 or found.shape[1] < 2 or len(found) < FEWEST:
        raise DataError(
            f"replicates have the shape {found.shape} where none failed",
            where="ceiling",
            fix=f"give at least 2 replicates of at least {FEWEST} candidates, shape (candidates, replicates)",
        )
    resamples = Resamples.draw(np.arange(len(found)), DRAWS, level, seed)
    correlation = _agreement(found, resamples, 0.0)
    ranks = stats.rankdata(found, axis=0)
    keys = {"high": found, "low": -found, "magnitude": np.abs(found)}[by]
    return Ceiling(
        found.shape[1],
        len(found),
        correlation,
        _agreement(ranks, resamples, 0.0),
        {share: _overlap(keys, share, resamples) for share in shares},
        reliability(correlation.value, found.shape[1]),
    )


def top_share(values: Array, share: float) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """The candidates with the highest values, as many as the share says, at least one; NaN never; shape (N,)."""
    there = int(np.isfinite(values).sum())
    number = min(max(1, round(share * there)), there)
    chosen = np.zeros(len(values), dtype=bool)
    chosen[np.argsort(np.where(np.isfinite(values), -values, np.inf), kind="stable")[:number]] = True
    return chosen


def _agreement(values: Array, resamples: Resamples, chance: float) -> Agreement:
    """Correlation between columns, mean over pairs."""
    scaled = (values - values.mean(axis=0)) / np.maximum(values.std(axis=0), np.finfo(float).tiny)
    point, drawn = resamples.means(np.concatenate([scaled, scaled**2], axis=1))
    number = values.shape[1]
    pairs = list(combinations(range(number), 2))
    products, drawn_products = resamples.means(
        np.column_stack([scaled[:, a] * scaled[:, b] for a, b in pairs])
    )

    def correlations(first: Array, products: Array) -> Array:
        mean, square = first[..., :number], first[..., number:]
        spread = np.sqrt(np.maximum(square - mean**2, np.finfo(float).tiny))
        each = [
            (products[..., k] - mean[..., a] * mean[..., b]) / (spread[..., a] * spread[..., b])
            for k, (a, b) in enumerate(pairs)
        ]
        return np.asarray(np.mean(each, axis=0))

    low, high = resamples.interval(correlations(drawn, drawn_products)[:, None], len(values))
    return Agreement(float(correlations(point, products)), float(low[0]), float(high[0]), chance)


def _overlap(keys: Array, share: float, resamples: Resamples) -> Agreement:
    """Share of one replicate's hits among the other's, mean over pairs."""
    hits = np.column_stack([top_share(column, share) for column in keys.T])
    pairs = combinations(range(keys.shape[1]), 2)
    columns = [(hits[:, a] & hits[:, b], 0.5 * hits[:, a] + 0.5 * hits[:, b]) for a, b in pairs]
    both, own = (np.column_stack(part).astype(float) for part in zip(*columns, strict=True))
    point, drawn = resamples.means(np.concatenate([both, own], axis=1))
    number = both.shape[1]
    ratios = (drawn[:, :number] / np.maximum(drawn[:, number:], np.finfo(float).tiny)).mean(axis=1)
    low, high = resamples.interval(ratios[:, None], len(keys))
    value = float((point[:number] / point[number:]).mean())
    return Agreement(value, float(low[0]), float(high[0]), float(hits.mean()))
