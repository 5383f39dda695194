"""Responses of genes that were never perturbed, from vectors of genes, where these prove themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pajamo.models.base import Array
from pajamo.models.parts.effect_prior import FEWEST_GENES, best_penalty, unit_vectors


@dataclass(frozen=True)
class UnseenResponse:
    """Kernel ridge regression of one response a gene on vectors of genes; see `EffectPrior` for the law.

    It is empty, and every other gene gets the mean response, unless it predicts genes that it leaves out better than
    the mean response does.

    Attributes
    ----------
    names: genes that have a vector and were never perturbed; none if the vectors proved nothing.
    units: their centred vectors of length 1, shape (names, dimensions).
    slopes: response less the mean for each dimension, shape (dimensions, outputs).
    mean: response of the perturbed genes on average, shape (outputs,).
    share: leave-one-out error relative to the mean response's, 1 where the vectors proved nothing.
    """

    names: tuple[str, ...]
    units: Array
    slopes: Array
    mean: Array
    share: float = 1.0

    @classmethod
    def fit(cls, embedding: Mapping[str, Array], perturbed: Sequence[str], response: Array) -> UnseenResponse:
        """Fit on the perturbed genes that have a vector; `response` has shape (perturbed, outputs)."""
        known = [i for i, name in enumerate(perturbed) if name in embedding]
        new = tuple(sorted(set(embedding) - set(perturbed)))
        mean = response.mean(axis=0) if len(response) else np.zeros(response.shape[1])
        nothing = cls((), np.zeros((0, 0)), np.zeros((0, response.shape[1])), mean)
        if len(known) < FEWEST_GENES or not new:
            return nothing
        units, of_new = unit_vectors(embedding, [perturbed[i] for i in known], new)
        kernel, wanted = units @ units.T, response[known] - mean
        penalty, share = best_penalty(kernel, wanted)
        if share >= 1.0:
            return nothing
        return cls(
            new, of_new, units.T @ np.linalg.solve(kernel + penalty * np.eye(len(known)), wanted), mean, share
        )

    def of(self, genes: Sequence[str]) -> Array:
        """Response of each gene, the mean where nothing is known of it; shape (genes, outputs)."""
        position = {name: i for i, name in enumerate(self.names)}
        found = np.tile(self.mean, (len(genes), 1))
        for row, gene in enumerate(genes):
            if gene in position:
                found[row] += self.units[position[gene]] @ self.slopes
        return found

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Arrays to save."""
        return {"unseen.units": self.units, "unseen.slopes": self.slopes, "unseen.mean": self.mean}

    def facts(self) -> dict[str, object]:
        """Names and scalars to save."""
        return {"names": list(self.names), "share": self.share}

    @classmethod
    def restored(
        cls, state: Mapping[str, NDArray[Any]], facts: Mapping[str, Any] | None, outputs: int
    ) -> UnseenResponse:
        """Read what `state` and `facts` gave; knows nothing where a model of earlier versions saved nothing."""
        if facts is None:
            return cls.nothing(outputs)
        arrays = (np.asarray(state[f"unseen.{name}"], dtype=float) for name in ("units", "slopes", "mean"))
        return cls(tuple(facts["names"]), *arrays, float(facts["share"]))

    @classmethod
    def nothing(cls, outputs: int) -> UnseenResponse:
        """No response for any gene."""
        return cls((), np.zeros((0, 0)), np.zeros((0, outputs)), np.zeros(outputs))
