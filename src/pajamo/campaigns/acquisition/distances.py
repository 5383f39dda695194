"""Distances between candidates, block by block: what every acquisition that spreads a batch is made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pajamo.campaigns.features import BLOCK, Features, blocks
from pajamo.campaigns.predictive import Array, Rows

Points = NDArray[np.floating]
CENTRES = 256
"""Centres that a block is compared with at once; bounds memory by block times centres."""
HELD = 2**26
"""Most numbers of a pool made on demand that are kept while a batch is chosen (512 MiB)."""
ROUNDING = 64.0
"""Units of rounding of the squared lengths below which two candidates are the same."""


def squared_distances(points: Points, centres: Points) -> Points:
    """Squared Euclidean distances, shape (points, centres); exactly zero between equal candidates.

    |x|^2 + |c|^2 - 2 x c is left with a rounding error of the lengths; differences below it are no differences.
    """
    lengths = np.einsum("nf,nf->n", points, points)[:, None] + np.einsum("cf,cf->c", centres, centres)
    found = lengths - 2.0 * (points @ centres.T)
    found[found < ROUNDING * np.finfo(found.dtype).eps * lengths] = 0.0
    return np.asarray(found)


def nearest_centre(points: Points, centres: Points) -> tuple[Rows, Points]:
    """Which centre is nearest to each candidate, the first of equals, and its squared distance; shapes (points,)."""
    label = np.zeros(len(points), dtype=np.intp)
    squared = np.full(len(points), np.inf, dtype=points.dtype)
    for start in range(0, len(centres), CENTRES):
        found = squared_distances(points, centres[start : start + CENTRES].astype(points.dtype, copy=False))
        best = found.argmin(axis=1)
        near = found[np.arange(len(points)), best]
        better = near < squared
        label[better], squared[better] = start + best[better], near[better]
    return label, squared


def floating(points: Points) -> Points:
    """The features as they are where they are floating-point numbers, else as such: a pool is not copied."""
    return points if np.issubdtype(points.dtype, np.floating) else points.astype(float)


def at_hand(features: Features) -> Features:
    """The features in memory where they are few enough, so that they are not made again for each choice."""
    if isinstance(features, np.ndarray) or features.shape[0] * features.shape[1] > HELD:
        return features
    return np.asarray(features[slice(0, features.shape[0])])


def centre_of(features: Features) -> Array:
    """Mean of all candidates' features, shape (F,)."""
    total = np.zeros(features.shape[1])
    for _, points in blocks(features):
        total += points.sum(axis=0, dtype=float)
    return total / features.shape[0]


class Coverage:
    """Distance of every candidate to the nearest centre, while centres are added.

    A distance only shrinks, so a block is brought up to date only when it may hold the farthest candidate: exact,
    and a pool that is made on demand is made as seldom as can be.

    Parameters
    ----------
    features: of all candidates, shape (N, F).
    centres: shape (C, F); there may be none, and all distances are infinite.
    available: candidates that may be the farthest, shape (N,).
    """

    def __init__(
        self, features: Features, centres: Points, available: NDArray[np.bool_], block: int = BLOCK
    ) -> None:
        self._features, self._centres, self._available = features, [np.asarray(centres)], available.copy()
        self._parts = [slice(s, min(s + block, len(available))) for s in range(0, len(available), block)]
        self._known = [0] * len(self._parts)
        self.squared = np.full(len(available), np.inf)
        self._most = np.full(len(self._parts), np.inf)
        self.refresh()

    def farthest(self) -> int:
        """The available candidate that is farthest from all centres; the first of equals."""
        while True:
            part = int(np.argmax(self._most))
            if self._known[part] == len(self._centres):
                piece = self._parts[part]
                return piece.start + int(np.argmax(self._open(piece)))
            self._update(part)

    def add(self, row: int) -> None:
        """A candidate becomes a centre and is no longer available."""
        self._centres.append(np.asarray(self._features[np.array([row])]))
        self._available[row] = False
        self.squared[row] = 0.0

    def refresh(self) -> None:
        """Bring the distances of all candidates up to date."""
        for part in range(len(self._parts)):
            self._update(part)

    def _update(self, part: int) -> None:
        piece, new = self._parts[part], np.concatenate(self._centres[self._known[part] :])
        if len(new):
            points = floating(np.asarray(self._features[piece]))
            near = nearest_centre(points, new)[1]
            self.squared[piece] = np.minimum(self.squared[piece], near)
        self._known[part] = len(self._centres)
        self._most[part] = self._open(piece).max()

    def _open(self, piece: slice) -> Array:
        return np.where(self._available[piece], self.squared[piece], -np.inf)
