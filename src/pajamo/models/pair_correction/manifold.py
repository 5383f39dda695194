"""Does a pair lie among the training doubles?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pajamo.models.base import Array


@dataclass(frozen=True)
class Manifold:
    """The box that training doubles span in a few summaries of a pair.

    Summaries are those of `pajamo.encoders.pair.pair_summary`: log strengths of the stronger and the
    weaker single, and the cosine between their filtered effects. The distance of a pair is how far
    each summary lies outside the training range, in units of `width`, by the Euclidean norm; inside
    the box it is zero.

    Attributes
    ----------
    low, high: training range of each summary, shape (summaries,).
    width: the range's own length, but at least `LEAST_WIDTH`, shape (summaries,).
    """

    low: Array
    high: Array
    width: Array

    @classmethod
    def of(cls, summaries: Array) -> Manifold:
        """The box of training doubles, shape (doubles, summaries)."""
        low, high = summaries.min(axis=0), summaries.max(axis=0)
        return cls(low, high, np.maximum(high - low, LEAST_WIDTH))

    def distance(self, summaries: Array) -> Array:
        """Distance of each pair from the box, shape (pairs,)."""
        outside = np.maximum(np.maximum(self.low - summaries, summaries - self.high), 0.0)
        return np.asarray(np.linalg.norm(outside / self.width, axis=1))

    def trust(self, summaries: Array) -> Array:
        """exp(-distance^2 / (2 * SOFTNESS^2)), shape (pairs,)."""
        return np.asarray(np.exp(-0.5 * (self.distance(summaries) / SOFTNESS) ** 2))


LEAST_WIDTH = 0.5
SOFTNESS = 0.5
"""Distance at which trust has fallen to 0.6: half a training range away."""
