"""Rival models of the same candidates, each with the probability that it is the right one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pajamo.campaigns.predictive.base import Array, Rows, ValuePredictive
from pajamo.errors import ModelError


class RivalPredictive(ValuePredictive):
    """The mixture of what rival mechanisms predict.

    Parameters
    ----------
    rivals: at least two, of the same candidates, outputs and scale.
    weights: probability of each (prior, or after what was measured so far), shape (M,); equal if not given.
    names: of the rivals; numbered if not given.

    Raises
    ------
    ModelError: a single rival, rivals of different shapes, or weights that are no probabilities.
    """

    def __init__(
        self,
        rivals: Sequence[ValuePredictive],
        weights: ArrayLike | None = None,
        names: Sequence[str] | None = None,
    ) -> None:
        self.rivals = tuple(rivals)
        _check(self.rivals)
        count = len(self.rivals)
        self.weights = np.full(count, 1.0 / count) if weights is None else np.asarray(weights, dtype=float)
        self.names = tuple(names or [f"rival {number + 1}" for number in range(count)])
        if len(self.names) != count or self.weights.shape != (count,) or not _probable(self.weights):
            raise ModelError(
                f"{count} rivals have the weights {self.weights} and the names {self.names}",
                where="predictive distribution",
                fix="give each rival one name and one weight; weights are positive and sum to 1",
            )
        means = np.stack([rival.mean for rival in self.rivals])
        noise = np.stack([rival.noise for rival in self.rivals])
        super().__init__(
            np.tensordot(self.weights, means, 1), np.tensordot(self.weights, noise, 1), rivals[0].scale
        )
        self._apart = means - self.mean

    @property
    def scale(self) -> Array:
        """What counts as one unit of each output, for all rivals; shape (D,)."""
        return self.rivals[0].scale

    @scale.setter
    def scale(self, unit: Array) -> None:
        for rival in self.rivals:
            rival.scale = unit

    @property
    def variance(self) -> Array:
        """Variance within rivals and between them; shape (N, D)."""
        within = np.stack([rival.variance for rival in self.rivals])
        return np.asarray(np.tensordot(self.weights, within + self._apart**2, 1))

    def samples(self, number: int, rng: np.random.Generator) -> Array:
        """Draws, each from one rival for all candidates; shape (number, N, D)."""
        of = rng.choice(len(self.rivals), number, p=self.weights)
        found = np.empty((number, *self.mean.shape))
        for which, rival in enumerate(self.rivals):
            places = np.flatnonzero(of == which)
            if len(places):
                found[places] = rival.samples(len(places), rng)
        return found

    def columns(self, rows: Rows) -> Array:
        """Covariance within rivals and between them, summed over outputs in units of `scale`."""
        found = np.zeros((self.size, len(rows)))
        for weight, rival, apart in zip(self.weights, self.rivals, self._apart / self.scale, strict=True):
            found += weight * (rival.columns(rows) + apart @ apart[rows].T)
        return found

    def diagonal(self) -> Array:
        """Variance summed over outputs in units of `scale`; shape (N,)."""
        return np.asarray((self.variance / self.scale**2).sum(axis=1))

    def finite(self) -> NDArray[np.bool_]:
        """Candidates of which all rivals say something finite."""
        return np.asarray(np.all([rival.finite() for rival in self.rivals], axis=0))

    def take(self, rows: Rows) -> RivalPredictive:
        """The same for some of the candidates."""
        return RivalPredictive([rival.take(rows) for rival in self.rivals], self.weights, self.names)

    def condition(self, rows: Rows) -> RivalPredictive:  # noqa: ARG002
        """Unchanged: which rival awaited results will favour is not known. Batches begin with awaited candidates."""
        return self


def _check(rivals: Sequence[ValuePredictive]) -> None:
    if len(rivals) < 2:
        raise ModelError(
            "fewer than two rivals leave nothing to tell apart",
            where="predictive distribution",
            fix="give two mechanisms or more",
        )
    first = rivals[0]
    for rival in rivals[1:]:
        if rival.mean.shape != first.mean.shape or not np.array_equal(rival.scale, first.scale):
            raise ModelError(
                f"rivals predict shapes {first.mean.shape} and {rival.mean.shape}, "
                f"in scales {first.scale} and {rival.scale}",
                where="predictive distribution",
                fix="let all rivals predict the same candidates and outputs in the same scale",
            )


def _probable(weights: Array) -> bool:
    return bool((weights > 0.0).all() and abs(weights.sum() - 1.0) < 1e-9)
