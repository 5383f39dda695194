"""The dip: how far a sample is from the nearest distribution with one mode (Hartigan and Hartigan 1985)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

NULL_SAMPLES = 500
"""Uniform samples that give the distribution of the dip under one mode."""


def dip(sample: Array) -> float:
    """The largest distance between the empirical distribution function and the nearest unimodal one.

    A distribution function with one mode is convex before it and concave after it. The interval that holds the
    mode is narrowed: within it, the greatest convex function below the steps and the least concave one above are
    drawn; where they are furthest apart lies the next interval, and what the steps deviate outside of it counts,
    until the two are no further apart than that. (Ann. Statist. 13, 70; algorithm: Hartigan 1985, Applied
    Statistics 34, 320.)
    """
    places, counts = np.unique(np.asarray(sample, dtype=float), return_counts=True)
    steps = _Steps(places, np.cumsum(counts) - counts, np.cumsum(counts))
    first, last, deviation = 0, len(places) - 1, 1.0
    while True:
        apart, left, right, before, after = steps.narrowed(first, last)
        if apart <= deviation:
            break
        deviation = max(deviation, before, after)
        if (left, right) == (first, last):
            break
        first, last = left, right
    return deviation / (2 * len(sample))


@dataclass(frozen=True)
class _Steps:
    """An empirical distribution function: its places, and the number of cells below each and up to each."""

    x: Array
    below: NDArray[np.int64]
    upto: NDArray[np.int64]

    def narrowed(self, first: int, last: int) -> tuple[float, int, int, float, float]:
        """Between two places: how far the hulls are apart, where, and what the steps deviate before and after."""
        inside = slice(first, last + 1)
        x, below, upto = self.x[inside], self.below[inside], self.upto[inside]
        convex, concave = _convex_hull(x, below), _convex_hull(x, -upto)
        under, over = np.interp(x, x[convex], below[convex]), np.interp(x, x[concave], upto[concave])
        corners = sorted({*convex, *concave})
        widest = max(corners, key=lambda i: over[i] - under[i])
        left = max(i for i in convex if i <= widest)
        right = min(i for i in concave if i >= widest)
        # Where the mode may be, a distribution function may jump: only jumps before and after it count.
        before = float((upto - under)[:left].max(initial=0.0))
        after = float((over - below)[right + 1 :].max(initial=0.0))
        return float((over - under)[widest]), first + left, first + right, before, after


def dip_p_value(sample: Array) -> float:
    """Probability of so large a dip if the cells have one mode; conservative for all but uniform distributions.

    The dip times the root of the sample's size hardly depends on that size, so that null samples are shared
    between samples of similar sizes.
    """
    n = len(sample)
    null = _null(max(16, min(512, 2 ** round(np.log2(n)))))
    return float((1 + (null >= np.sqrt(n) * dip(sample)).sum()) / (1 + len(null)))


@lru_cache(maxsize=16)
def _null(n: int) -> Array:
    rng = np.random.default_rng(n)
    return np.array([np.sqrt(n) * dip(rng.random(n)) for _ in range(NULL_SAMPLES)])


def _convex_hull(x: Array, y: NDArray[np.int64]) -> list[int]:
    """Corners of the lower convex hull of points in the order of x (Andrew 1979)."""
    px, py = x.tolist(), y.tolist()
    kept: list[int] = []
    for i in range(len(px)):
        while len(kept) > 1 and _turns_down(px, py, kept[-2], kept[-1], i):
            kept.pop()
        kept.append(i)
    return kept


def _turns_down(x: list[float], y: list[float], a: int, b: int, c: int) -> bool:
    return (y[b] - y[a]) * (x[c] - x[a]) >= (y[c] - y[a]) * (x[b] - x[a])
