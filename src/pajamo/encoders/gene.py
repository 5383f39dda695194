"""A vector for each gene: from a prior, or from how the gene is expressed in the screen itself.

Two genes have similar vectors if they answer alike to the training perturbations and vary together
between control cells. A gene that was not measured and has no prior vector takes the mean vector of
the genes that were perturbed in training: nothing is then claimed of it beyond being a perturbed gene.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from pajamo.data.conditions import Condition, singles_of
from pajamo.data.training_set import TrainingSet

Array = NDArray[np.float64]

SMALLEST_SQUARE = 1e-12
"""Axes whose squared spread is below this share of the largest are rounding, not data."""


@dataclass(frozen=True)
class GeneVectors:
    """Vectors of genes by name.

    Attributes
    ----------
    names: genes that have a vector of their own.
    vectors: shape (names, dimensions).
    fallback: what any other gene takes, shape (dimensions,).
    """

    names: tuple[str, ...]
    vectors: Array
    fallback: Array

    @classmethod
    def with_fallback(cls, names: Sequence[str], vectors: Array, perturbed: Iterable[str]) -> GeneVectors:
        """Vectors whose fallback is the mean over perturbed genes (over all, if none of those has one)."""
        position = {name: i for i, name in enumerate(names)}
        rows = sorted(position[gene] for gene in set(perturbed) & position.keys())
        return cls(tuple(names), vectors, vectors[rows].mean(axis=0) if rows else vectors.mean(axis=0))

    def knows(self, conditions: Sequence[Condition]) -> NDArray[np.bool_]:
        """Whether every perturbed gene of a condition has a vector of its own; shape (conditions,)."""
        known = set(self.names)
        return np.array([known.issuperset(condition.genes) for condition in conditions], dtype=bool)

    def sums(self, conditions: Sequence[Condition]) -> Array:
        """Sum of the vectors of each condition's perturbed genes, shape (conditions, dimensions)."""
        position = {name: i for i, name in enumerate(self.names)}
        table = np.vstack([self.vectors, self.fallback])
        sums = np.zeros((len(conditions), table.shape[1]))
        for row, condition in enumerate(conditions):
            for gene in condition.genes:
                sums[row] += table[position.get(gene, -1)]
        return sums


def one_hot(names: Sequence[str]) -> dict[str, Array]:
    """Vectors of genes that have nothing in common: each gene is as far from every other.

    What a model predicts with them for a gene never perturbed is what it can say of any gene, so that the gain over
    them is what an embedding knows.
    """
    return dict(zip(names, np.eye(len(names)), strict=True))


def expressed(training: TrainingSet, dimensions: int) -> dict[str, Array]:
    """Vectors of the measured genes from how they are expressed in the training set, of `dimensions` or fewer."""
    loadings, spread = response_axes(training.delta, dimensions, control_cells(training))
    return dict(zip(training.genes.astype(str), loadings * spread, strict=True))


def gene_vectors(training: TrainingSet, dimensions: int) -> GeneVectors:
    """Prior vectors where the training set brings them, else vectors from expression."""
    perturbed = [part.genes[0] for part in singles_of(training.conditions)]
    if training.embedding:
        names = sorted(training.embedding)
        return GeneVectors.with_fallback(
            names, np.array([training.embedding[name] for name in names]), perturbed
        )
    vectors = expressed(training, dimensions)
    return GeneVectors.with_fallback(list(vectors), np.array(list(vectors.values())), perturbed)


def control_cells(training: TrainingSet) -> Array | None:
    """Control cells of all settings, each centred on its setting's mean; None if none were kept."""
    groups = [
        training.cells[c] for c in sorted(training.cells) if c.is_control and len(training.cells[c]) > 1
    ]
    if not groups:
        return None
    return np.concatenate([np.asarray(group, dtype=float) - group.mean(axis=0) for group in groups])


def response_axes(delta: Array, dimensions: int, cells: Array | None = None) -> tuple[Array, Array]:
    """Principal axes of genes over training changes and, with the same total weight, control cells.

    Parameters
    ----------
    delta: changes of training conditions, shape (conditions, genes).
    dimensions: most axes to keep; fewer where the data have fewer.
    cells: centred control cells, shape (cells, genes).

    Returns
    -------
    Orthonormal loadings, shape (genes, axes), and the spread along each axis, shape (axes,).
    """
    blocks = [
        block / norm for block in (delta, cells) if block is not None and (norm := np.linalg.norm(block)) > 0
    ]
    if not blocks:
        return np.zeros((delta.shape[1], 1)), np.zeros(1)
    return _principal_axes(np.concatenate(blocks), dimensions)


def _principal_axes(values: Array, dimensions: int) -> tuple[Array, Array]:
    """Leading right singular vectors and singular values, from the smaller of the two Gram matrices.

    Only the leading few are needed, and a full decomposition would take most of a fit.
    """
    tall = values.shape[0] > values.shape[1]
    gram = values.T @ values if tall else values @ values.T
    size = len(gram)
    squares, vectors = eigh(gram, subset_by_index=(max(size - dimensions, 0), size - 1))
    squares, vectors = squares[::-1], vectors[:, ::-1]
    kept = squares > squares[0] * SMALLEST_SQUARE
    spread = np.sqrt(squares[kept])
    axes = vectors[:, kept] if tall else values.T @ vectors[:, kept] / spread
    return axes, spread
