"""Prior covariance of the shifts of conditions: what is common, a gene's own, its vector's and its neighbours'."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pajamo.data.conditions import Condition
from pajamo.mechanisms.composition import incidence
from pajamo.models.base import Array
from pajamo.models.latent_parts.gene_graph import GeneGraph

PARTS = ("common", "own", "vector", "graph")
TOGETHER = 0.2
"""What a combination has beyond its singles, in units of their variance, where the search for it starts."""
OUTSIDE = (np.log(9.0), -20.0, -20.0, 0.0, 0.0)
"""Outside the axes a tenth of the variance is common, the rest a gene's own: relatives share nothing there."""
PULL = 0.3
"""Weight of the mean square in each gene's own: no perturbation is taken to be without effect."""


@dataclass(frozen=True)
class Blocks:
    """Parts of the covariance between two lists of conditions, each of shape (first, second).

    Attributes
    ----------
    parts: those of `PARTS`.
    same: product of the strengths where both are the same combination, else 0.
    extra: how many genes beyond one the two conditions hold together.
    """

    parts: tuple[Array, ...]
    same: Array
    extra: Array


@dataclass(frozen=True)
class ShiftKernel:
    """Covariance of the changes of conditions in units of a column's variance.

    k(A, B) = share^(|A| + |B| - 2) sum over a in A, b in B of strength_a strength_b
                [w_common + w_own (a = b) + w_vector <v_a, v_b> + w_graph <n_a, n_b>]  +  w_together (A = B, |A| > 1)

    Attributes
    ----------
    graph: vectors v and links n.
    vectors: vectors of all genes by name.
    strength: of each perturbed gene, relative to the root mean square; others have the mean strength.
    """

    graph: GeneGraph
    vectors: Mapping[str, Array]
    strength: Mapping[str, float]

    def blocks(self, first: Sequence[Condition], second: Sequence[Condition]) -> Blocks:
        """Everything that does not depend on the parameters."""
        genes = sorted({gene for c in (*first, *second) for gene in c.genes})
        directions = self.graph.directions(genes, self.vectors)
        features = [np.ones((len(genes), 1)), np.eye(len(genes)), directions, self.graph.links(directions)]
        typical = float(np.mean(list(self.strength.values())))
        strong = np.array([self.strength.get(gene, typical) for gene in genes])
        left, right = incidence(first, genes) * strong, incidence(second, genes) * strong
        parts = tuple((left @ f) @ (right @ f).T for f in features)
        orders = [np.array([max(c.order - 1, 0) for c in side], dtype=float) for side in (first, second)]
        return Blocks(parts, self._same(first, second, typical), orders[0][:, None] + orders[1])

    def _same(self, first: Sequence[Condition], second: Sequence[Condition], typical: float) -> Array:
        position = {c: i for i, c in enumerate(second) if c.order > 1}
        same = np.zeros((len(first), len(second)))
        for row, condition in enumerate(first):
            if condition in position:
                strengths = [self.strength.get(gene, typical) for gene in condition.genes]
                same[row, position[condition]] = np.prod(strengths)
        return same


def covariance(blocks: Blocks, parameters: Array) -> Array:
    """Kernel at parameters: log weights of own, vector and graph against common; log share; log of `TOGETHER`."""
    weights = part_weights(parameters)
    total = sum((w * part for w, part in zip(weights, blocks.parts, strict=True)), np.zeros_like(blocks.same))
    return np.asarray(
        total * np.exp(parameters[3] * blocks.extra) + TOGETHER * np.exp(parameters[4]) * blocks.same
    )


def part_weights(parameters: Array) -> Array:
    """Weights of the parts, summing to one."""
    raw = np.exp(np.concatenate([[0.0], parameters[:3]]))
    return np.asarray(raw / raw.sum())


def strengths(change: Array, noise: Array, conditions: Sequence[Condition]) -> dict[str, float]:
    """Strength of each perturbed gene from its single's squared change beyond noise, drawn towards the mean.

    Responses of perturbations differ by an order of magnitude in size; with one variance for all, the strong ones
    would be shrunken as if they were noise. Genes that were not measured alone take the root mean square.

    Parameters
    ----------
    change: in units of the standard deviation between cells, shape (conditions, genes).
    noise: variance of that change, the same for all genes, shape (conditions,).
    """
    power: dict[str, list[float]] = {}
    for row, condition in enumerate(conditions):
        if condition.order == 1:
            beyond = max(float((change[row] ** 2).mean() - noise[row]), 0.0)
            power.setdefault(condition.genes[0], []).append(beyond)
    mean = float(np.mean([np.mean(values) for values in power.values()])) if power else 0.0
    genes = sorted({gene for condition in conditions for gene in condition.genes})
    if mean == 0.0:
        return dict.fromkeys(genes, 1.0)
    own = {gene: float(np.mean(power.get(gene, [mean]))) for gene in genes}
    return {gene: float(np.sqrt((p / mean + PULL) / (1.0 + PULL))) for gene, p in own.items()}
