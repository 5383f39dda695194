"""Effects of genes that were never perturbed, from prior knowledge about genes, where it helps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.mechanisms.composition import incidence
from pajamo.models.base import Array
from pajamo.models.parts.main_effects import MainEffects

PENALTIES = 10.0 ** np.arange(-2, 3)
CONFIDENCE = 1.64
"""Standard errors by which the gain over the mean effect must exceed zero: a one-sided test at 5 %."""
ROUNDING = 1e-9
"""Share of the error that is no gain."""
FEWEST_GENES = 5
"""With fewer measured genes that have a vector, no prior is fitted."""


@dataclass(frozen=True)
class EffectPrior:
    """Kernel ridge regression of main effects on prior vectors of genes; empty unless it has proved itself.

    effect(g) - m = k(g)^T (K + penalty I)^-1 (effects - m), with the cosine of centred vectors as
    kernel, so that the shift is linear in the unit vector. The penalty has the smallest leave-one-out
    error; if even that does not beat the mean effect, leave one out, the prior is dropped (`names` is
    empty) and genes keep m.

    Attributes
    ----------
    names: genes that have a vector and were never perturbed.
    units: their centred vectors of length 1, shape (names, dimensions).
    slopes: effect less m for each dimension, shape (settings, dimensions, genes).
    share: leave-one-out error relative to the mean effect's, below 1.
    """

    names: tuple[str, ...]
    units: Array
    slopes: Array
    share: float

    @classmethod
    def fit(cls, training: TrainingSet, effects: MainEffects) -> EffectPrior:
        """Fit on the genes that were perturbed and have a vector."""
        known = [i for i, name in enumerate(effects.names) if name in training.embedding]
        new = tuple(sorted(set(training.embedding) - set(effects.names)))
        nothing = cls((), np.zeros((0, 0)), np.zeros((len(effects.settings), 0, effects.level.shape[1])), 1.0)
        if len(known) < FEWEST_GENES or not new:
            return nothing
        names = [effects.names[i] for i in known]
        units, of_new = unit_vectors(training.embedding, names, new)
        response = (effects.effects - effects.unseen[:, None])[:, known]
        penalty, share = best_penalty(units @ units.T, np.concatenate(list(response), axis=1))
        if share >= 1.0:
            return nothing
        solve = np.linalg.inv(units @ units.T + penalty * np.eye(len(known)))
        return cls(new, of_new, np.stack([units.T @ solve @ own for own in response]), share)

    def shifts(self, conditions: Sequence[Condition], effects: MainEffects) -> Array:
        """What the prior adds to the mean effects, shape (conditions, genes)."""
        total = np.zeros((len(conditions), effects.level.shape[1]))
        summed = self._members(conditions) @ self.units
        for row, setting in enumerate(effects.rows(conditions)):
            total[row] = summed[row] @ self.slopes[setting]
        return total

    def variance_change(self, conditions: Sequence[Condition], effects: MainEffects) -> Array:
        """How much less uncertain a gene is than under the mean effect, (conditions, genes), not positive."""
        number = self._members(conditions).sum(axis=1, keepdims=True)
        return np.asarray(number * (self.share - 1.0) * effects.spread)

    def _members(self, conditions: Sequence[Condition]) -> Array:
        return incidence(conditions, self.names)

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Arrays to save."""
        return {"prior.units": self.units, "prior.slopes": self.slopes}

    def facts(self) -> dict[str, object]:
        """Names and scalars to save."""
        return {"names": list(self.names), "share": self.share}

    @classmethod
    def restored(cls, state: Mapping[str, NDArray[Any]], facts: object) -> EffectPrior:
        """Read what `state` and `facts` gave."""
        kept = cast("dict[str, Any]", facts)
        return cls(tuple(kept["names"]), state["prior.units"], state["prior.slopes"], float(kept["share"]))


def unit_vectors(
    embedding: Mapping[str, Array], known: Sequence[str], new: Sequence[str]
) -> tuple[Array, Array]:
    """Vectors centred on the known ones and brought to length 1, of the known and of the new."""
    vectors = [np.array([embedding[name] for name in names], dtype=float) for names in (known, new)]
    centred = [block - vectors[0].mean(axis=0) for block in vectors]
    units = [block / np.maximum(np.linalg.norm(block, axis=1, keepdims=True), 1e-12) for block in centred]
    return units[0], units[1]


def best_penalty(kernel: Array, response: Array) -> tuple[float, float]:
    """The penalty with the smallest leave-one-out error, and that error relative to the mean effect's.

    The mean is one of the other genes as well: with a gene's own effect in it, vectors that have nothing in common
    would already predict. The share is 1 where the gain over the mean effect may be chance, judged by its spread over
    genes.
    """
    errors = np.stack([left_out_errors(kernel, response, penalty) for penalty in PENALTIES])
    best = int(np.argmin(errors.mean(axis=1)))
    plain = left_out_errors(np.zeros_like(kernel), response, 1.0)
    gain = plain - errors[best]
    chance = CONFIDENCE * gain.std(ddof=1) / np.sqrt(len(gain))
    if gain.mean() <= max(chance, ROUNDING * plain.mean()):
        return float(PENALTIES[best]), 1.0
    return float(PENALTIES[best]), float(errors[best].mean() / plain.mean())


def left_out_errors(kernel: Array, response: Array, penalty: float) -> Array:
    """Mean squared leave-one-out error of each gene by kernel ridge regression about an unknown mean; (genes,).

    With M = (K + penalty I)^-1 and Q = M - M 1 1^T M / (1^T M 1), residual i is (Q y)_i / Q_ii (Dubrule 1983,
    Math. Geol. 15:687).

    Parameters
    ----------
    kernel: shape (genes, genes). response: shape (genes, outputs).
    """
    inverse = np.linalg.inv(kernel + penalty * np.eye(len(kernel)))
    total = inverse.sum(axis=0)
    centred = inverse - np.outer(total, total) / total.sum()
    residual = centred @ response / np.diag(centred)[:, None]
    return np.asarray((residual**2).mean(axis=1))
