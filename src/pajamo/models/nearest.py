"""Baseline: the response of the most similar perturbation that was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.encoders.gene import GeneVectors, gene_vectors
from pajamo.mechanisms.composition import part_incidence
from pajamo.models.base import Array, Card
from pajamo.models.parts.weighted import Weighted
from pajamo.models.registry import register

DIMENSIONS = 30
"""Dimensions of gene vectors that are derived from expression."""


@register
class Nearest(Weighted):
    """Copy the change of one training condition, the first of these that exists.

    1. The same perturbation: in the same context at the nearest time, then in another context.
    2. For combinations, the training combination whose sum of singles is closest, where all singles
       of both were measured in their setting.
    3. The training condition that shares most genes, combinations before singles.
    4. The training condition of the same order whose gene vectors (prior, or from expression) are closest.

    Steps 2 to 4 look in the same context and time, or everywhere if nothing was measured there.
    """

    why_not: ClassVar[str] = "it was never measured, shares no gene with training, and has no gene vector"
    card = Card(
        name="nearest",
        title="Nearest training perturbation",
        reference="nearest neighbour; for other contexts Wu et al. 2024 (PerturBench), arXiv 2408.10609",
        needs="training perturbations; for unseen genes a prior embedding, or the gene among those measured",
        weights={},
        limits="carries the noise of one measured condition, and its own target gene",
        baseline=True,
        assumes=frozenset({"order-free"}),
    )
    takes_embedding = True

    vectors: GeneVectors

    def prepare(self, training: TrainingSet) -> None:
        """Find a vector for each gene."""
        self.vectors = gene_vectors(training, DIMENSIONS)

    def mixture(self, conditions: Sequence[Condition], *, without_self: bool = False) -> Array:
        """Weight one on the nearest condition."""
        finder = _Finder(self.measured.conditions, self.measured.delta, self.vectors)
        weights = np.zeros((len(conditions), len(self.measured.conditions)))
        for row, condition in enumerate(conditions):
            chosen = None if condition.is_control else finder.nearest(condition, without_self)
            if chosen is not None:
                weights[row, chosen] = 1.0
        return weights

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Measured changes, scatter, and gene vectors."""
        vectors = {"vectors": self.vectors.vectors, "fallback": self.vectors.fallback}
        return {**super().state(), **vectors}

    def facts(self) -> dict[str, object]:
        """Names of the conditions, and of the genes with vectors."""
        return {**super().facts(), "vector_names": list(self.vectors.names)}

    def restore(self, state: dict[str, NDArray[np.generic]], facts: dict[str, object]) -> None:
        """Take back what `state` and `facts` gave."""
        super().restore(state, facts)
        names = facts["vector_names"]
        assert isinstance(names, list)
        self.vectors = GeneVectors(tuple(names), np.asarray(state["vectors"]), np.asarray(state["fallback"]))


class _Finder:
    """Looks up the nearest measured condition; ties go to the first in sorted order."""

    def __init__(self, measured: Sequence[Condition], delta: Array, vectors: GeneVectors) -> None:
        self.measured, self.delta, self.vectors = measured, delta, vectors
        self.orders = np.array([condition.order for condition in measured])
        self.features = vectors.sums(measured)
        self.known = vectors.knows(measured)
        parts = part_incidence(measured, measured)
        self.complete = (parts.sum(axis=1) == self.orders) & (self.orders >= 2)
        self.sums = parts @ delta

    def nearest(self, condition: Condition, without_self: bool) -> int | None:
        """Row of the nearest measured condition, or None."""
        others = [i for i, other in enumerate(self.measured) if not (without_self and other == condition)]
        same = [i for i in others if self.measured[i].genes == condition.genes]
        if same:
            return min(same, key=lambda i: _apart(self.measured[i], condition))
        pool = [i for i in others if self.measured[i].setting == condition.setting] or others
        steps: tuple[Callable[[Condition, list[int]], int | None], ...] = (
            self._by_singles, self._by_genes, self._by_vectors,
        )  # fmt: skip
        return next((found for step in steps if (found := step(condition, pool)) is not None), None)

    def _by_singles(self, condition: Condition, pool: list[int]) -> int | None:
        members = part_incidence([condition], self.measured)
        candidates = [i for i in pool if self.complete[i]]
        if condition.order < 2 or members.sum() < condition.order or not candidates:
            return None
        return _closest(self.sums, members[0] @ self.delta, candidates)

    def _by_genes(self, condition: Condition, pool: list[int]) -> int | None:
        shared = {i: len(set(self.measured[i].genes) & set(condition.genes)) for i in pool}
        most = max(shared.values(), default=0)
        if most == 0:
            return None
        return max((i for i in pool if shared[i] == most), key=lambda i: (min(self.orders[i], 2), -i))

    def _by_vectors(self, condition: Condition, pool: list[int]) -> int | None:
        known = [i for i in pool if self.known[i]]
        candidates = [i for i in known if self.orders[i] == condition.order] or known
        if not candidates or not self.vectors.knows([condition])[0]:
            return None
        return _closest(self.features, self.vectors.sums([condition])[0], candidates)


def _closest(features: Array, target: Array, candidates: list[int]) -> int:
    return candidates[int(np.argmin(np.linalg.norm(features[candidates] - target, axis=1)))]


def _apart(other: Condition, condition: Condition) -> tuple[bool, float, Condition]:
    return other.context != condition.context, abs(other.time - condition.time), other
