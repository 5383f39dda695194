"""When edits begin to act that were delivered to all cells at once: a density, and a few times that stand for it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.linalg import eigh_tridiagonal

from pajamo.config.protocol import DeliverStep

NODES = 6
"""Times that stand for a density: every polynomial of the onset up to degree 11 is averaged exactly. The mean of a
response 1 - exp(-rate (T - onset)) is off by under 1e-6 for rate times T up to 10, and 1e-4 up to 20."""
FINE = 4000
"""Points of the grid on which the density itself is represented."""


def onset_times(step: DeliverStep, horizon: float) -> tuple[tuple[float, float], ...]:
    """(share of the cells, delay) pairs whose average over words is that over the density of delays.

    Cells in which the edit would begin after the `horizon` (time from delivery to measurement, infinite for
    rest) are one further pair with the horizon itself as delay. Gauss quadrature for the density itself: its
    nodes are eigenvalues of the matrix of its recurrence (Golub and Welsch 1969, Math. Comp. 23, 221).
    """
    return _onset_times(step.onset, step.onset_mean, step.onset_shape, horizon)


def reached(step: DeliverStep, delay: float) -> float:
    """Share of the cells in which the edit has begun to act by this delay."""
    return float(_density(step.onset, step.onset_mean, step.onset_shape).cdf(delay))


@lru_cache(maxsize=512)
def _onset_times(kind: str, mean: float, shape: float, horizon: float) -> tuple[tuple[float, float], ...]:
    density = _density(kind, mean, shape)
    in_time = float(density.cdf(horizon))
    late = [(1.0 - in_time, horizon)] if in_time < 1.0 else []
    if in_time <= 0.0:
        return tuple(late)
    at, weights = np.polynomial.legendre.leggauss(100)
    # Panels are narrower towards both ends of the probabilities, where the quantiles bend.
    edges = np.concatenate(
        [np.geomspace(1e-12, 0.5, FINE // 200), 1 - np.geomspace(0.5, 1e-12, FINE // 200)[1:]]
    )
    edges[0], edges[-1] = 0.0, 1.0
    middle, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
    probability = (middle[:, None] + half[:, None] * at).ravel()
    measure = (half[:, None] * weights).ravel()
    nodes, shares = gauss(np.asarray(density.ppf(probability * in_time)), measure, NODES)
    kept = zip(shares * in_time, np.clip(nodes, 0.0, horizon), strict=True)
    return (*((float(share), float(delay)) for share, delay in kept), *late)


def _density(kind: str, mean: float, shape: float) -> Any:
    if kind == "uniform":
        return stats.uniform(0.0, 2 * mean)
    return stats.expon(scale=mean) if kind == "exponential" else stats.gamma(shape, scale=mean / shape)


def gauss(
    points: NDArray[np.float64], weights: NDArray[np.float64], n: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nodes and weights (summing to that of the measure) of Gauss quadrature for a measure on many points.

    The recurrence of its orthogonal polynomials is found by the Stieltjes procedure (Gautschi 2004, section 2.2).
    """
    total = float(weights.sum())
    before, now = np.zeros_like(points), np.ones_like(points)
    norm = float(total)
    diagonal: list[float] = []
    off: list[float] = []
    for _ in range(n):
        diagonal.append(float((weights * points * now**2).sum() / norm))
        after = (points - diagonal[-1]) * now - (off[-1] ** 2 if off else 0.0) * before
        size = float((weights * after**2).sum())
        off.append(float(np.sqrt(size / norm)))
        before, now, norm = now, after, size
    nodes, vectors = eigh_tridiagonal(np.array(diagonal), np.array(off[:-1]))
    return np.asarray(nodes, dtype=float), np.asarray(total * vectors[0] ** 2, dtype=float)
