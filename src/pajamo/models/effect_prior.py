"""Effects of genes that were never perturbed, from prior knowledge about genes, where it helps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.models.base import Array
from pajamo.models.main_effects import MainEffects

PENALTIES = 10.0 ** np.arange(-2, 3)
FEWEST_GENES = 5
"""With fewer measured genes that have a vector, no prior is fitted."""


@dataclass(frozen=True)
class EffectPrior:
    """Kernel ridge regression of main effects on prior vectors of genes; empty unless it has proved itself.

    effect(g) - m = k(g)^T (K + penalty I)^-1 (effects - m), with the cosine of centred vectors as
    kernel. The penalty has the smallest leave-one-out error; if even that does not beat the mean
    effect, leave one out, the prior is dropped (`names` is empty) and genes keep m.

    Attributes
    ----------
    names: genes that have a vector and were never perturbed.
    shift: effect less m, shape (settings, names, genes).
    share: leave-one-out error relative to the mean effect's, below 1.
    """

    names: tuple[str, ...]
    shift: Array
    share: float

    @classmethod
    def fit(cls, training: TrainingSet, effects: MainEffects) -> EffectPrior:
        """Fit on the genes that were perturbed and have a vector."""
        known = [i for i, name in enumerate(effects.names) if name in training.embedding]
        new = tuple(sorted(set(training.embedding) - set(effects.names)))
        nothing = cls((), np.zeros((len(effects.settings), 0, effects.level.shape[1])), 1.0)
        if len(known) < FEWEST_GENES or not new:
            return nothing
        vectors = np.array([training.embedding[effects.names[i]] for i in known], dtype=float)
        kernel, across = _cosines(vectors, np.array([training.embedding[name] for name in new], dtype=float))
        response = (effects.effects - effects.unseen[:, None])[:, known].transpose(1, 0, 2)
        flat = response.reshape(len(known), -1)
        errors = [_left_out_error(kernel, flat, penalty) for penalty in PENALTIES]
        best = int(np.argmin(errors))
        share = errors[best] / max(_mean_error(flat), np.finfo(float).tiny)
        if share >= 1.0:
            return nothing
        solved = np.linalg.solve(kernel + PENALTIES[best] * np.eye(len(known)), flat)
        shift = (across @ solved).reshape(len(new), len(effects.settings), -1).transpose(1, 0, 2)
        return cls(new, np.ascontiguousarray(shift), float(share))

    def shifts(self, conditions: Sequence[Condition], effects: MainEffects) -> Array:
        """What the prior adds to the mean effects, shape (conditions, genes)."""
        return self._summed(conditions, effects, self.shift)

    def variance_change(self, conditions: Sequence[Condition], effects: MainEffects) -> Array:
        """How much less uncertain a gene is than under the mean effect, (conditions, genes), not positive."""
        less = np.broadcast_to((self.share - 1.0) * effects.spread, self.shift.shape)
        return self._summed(conditions, effects, less)

    def _summed(self, conditions: Sequence[Condition], effects: MainEffects, values: Array) -> Array:
        total = np.zeros((len(conditions), effects.level.shape[1]))
        position = {name: i for i, name in enumerate(self.names)}
        for row, (condition, setting) in enumerate(zip(conditions, effects.rows(conditions), strict=True)):
            for gene in condition.genes:
                if gene in position:
                    total[row] += values[setting, position[gene]]
        return total

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Arrays to save."""
        return {"prior.shift": self.shift}

    def facts(self) -> dict[str, object]:
        """Names and scalars to save."""
        return {"names": list(self.names), "share": self.share}

    @classmethod
    def restored(cls, state: Mapping[str, NDArray[Any]], facts: object) -> EffectPrior:
        """Read what `state` and `facts` gave."""
        kept = cast("dict[str, Any]", facts)
        return cls(tuple(kept["names"]), np.asarray(state["prior.shift"], dtype=float), float(kept["share"]))


def _cosines(known: Array, new: Array) -> tuple[Array, Array]:
    """Cosines of vectors centred on the known ones: among the known, and of the new with the known."""
    centre = known.mean(axis=0)
    unit = [
        (block - centre) / np.maximum(np.linalg.norm(block - centre, axis=1, keepdims=True), 1e-12)
        for block in (known, new)
    ]
    return unit[0] @ unit[0].T, unit[1] @ unit[0].T


def _left_out_error(kernel: Array, response: Array, penalty: float) -> float:
    """Mean squared leave-one-out error of kernel ridge regression, in closed form."""
    hat = kernel @ np.linalg.inv(kernel + penalty * np.eye(len(kernel)))
    residual = (response - hat @ response) / (1.0 - np.diag(hat))[:, None]
    return float((residual**2).mean())


def _mean_error(response: Array) -> float:
    """Mean squared error of the mean of all others."""
    n = len(response)
    return float((((response - response.mean(axis=0)) * n / (n - 1)) ** 2).mean())
