"""Clusters of candidates by k-means, of which some centres may stand still and some candidates weigh more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from pajamo.campaigns.acquisition.distances import Points, nearest_centre, squared_distances
from pajamo.campaigns.predictive import Array, Rows

SAMPLE = 32_768
"""Candidates that centres are fitted to; of a larger pool a random sample is taken."""
STARTS = 8_192
"""Candidates that the first centres are drawn from."""
ROUNDS = 30
"""Most rounds of Lloyd's algorithm; it ends earlier when no candidate changes its cluster."""


@dataclass(frozen=True)
class Clusters:
    """Clusters of points.

    Attributes
    ----------
    centres: those that moved, shape (K, F).
    labels: cluster of each point, shape (n,): 0 to K - 1, and K for those nearest to a centre that stands still.
    squared: squared distance to the nearest centre, shape (n,).
    """

    centres: Points
    labels: Rows
    squared: Points


def cluster(
    points: Points,
    number: int,
    rng: np.random.Generator,
    *,
    fixed: Points | None = None,
    weights: Array | None = None,
) -> Clusters:
    """k-means (Lloyd 1982) with greedy k-means++ starts (Arthur and Vassilvitskii 2007, section 7).

    Parameters
    ----------
    points: shape (n, F).
    number: clusters, K, besides those of the fixed centres; fewer where there are fewer different points.
    rng: of the starts.
    fixed: centres that stay where they are (candidates that were measured), shape (C, F).
    weights: of each point, shape (n,); ones if not given.
    """
    away = (
        np.full(len(points), np.inf) if fixed is None or not len(fixed) else nearest_centre(points, fixed)[1]
    )
    weight = np.ones(len(points)) if weights is None else np.asarray(weights, dtype=float)
    centres = points[_starts(points, number, rng, away, weight)]
    labels = np.full(len(points), -1, dtype=np.intp)
    for _ in range(ROUNDS):
        before = labels
        labels, squared = _assigned(points, centres, away)
        if np.array_equal(before, labels):
            break
        centres = _means(points, labels, centres, weight)
    labels, squared = _assigned(points, centres, away)
    return Clusters(centres, labels, squared)


def sample_of(rows: Rows, rng: np.random.Generator, most: int = SAMPLE) -> Rows:
    """All the rows, or a random sample of them in the pool's order."""
    if len(rows) <= most:
        return rows
    return np.sort(rng.choice(rows, most, replace=False))


def _starts(points: Points, number: int, rng: np.random.Generator, away: Points, weight: Array) -> Rows:
    """Rows drawn with probability in proportion to weight and squared distance to what was drawn.

    Of several draws the one that leaves the smallest sum is kept.
    """
    among = sample_of(np.arange(len(points)), rng, STARTS)
    points, left, weight = points[among], np.asarray(away, dtype=float)[among], weight[among]
    draws = 2 + int(np.log(max(number, 1)))
    found: list[int] = []
    for _ in range(number):
        total = np.cumsum(weight * np.where(np.isfinite(left), left, 1.0))
        if not total[-1] > 0:
            break
        drawn = np.searchsorted(total, rng.random(draws) * total[-1], side="right").clip(max=len(points) - 1)
        after = np.minimum(left[:, None], squared_distances(points, points[drawn]))
        best = int(np.argmin(weight @ after))
        found.append(int(among[drawn[best]]))
        left = after[:, best]
    return np.array(found, dtype=np.intp)


def _assigned(points: Points, centres: Points, away: Points) -> tuple[Rows, Points]:
    labels, squared = nearest_centre(points, centres)
    still = away <= squared
    return np.where(still, len(centres), labels), np.minimum(squared, away)


def _means(points: Points, labels: Rows, centres: Points, weight: Array) -> Points:
    """Weighted means of the clusters; a cluster without weight keeps its centre."""
    moving = labels < len(centres)
    place = (labels[moving], np.flatnonzero(moving))
    member = sparse.csr_matrix((weight[moving].astype(points.dtype), place), (len(centres), len(points)))
    total = np.asarray(member.sum(axis=1))
    sums = np.asarray(member @ points)
    return np.where(total > 0, sums / np.where(total > 0, total, 1.0), centres).astype(points.dtype)
