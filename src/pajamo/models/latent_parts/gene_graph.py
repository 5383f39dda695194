"""Genes as neighbours in the space of their vectors: features whose products are the covariance of their shifts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pajamo.models.base import Array

SMALLEST_NORM = 1e-12


@dataclass(frozen=True)
class GeneGraph:
    """Vectors of genes, and the perturbed ones to which others are linked.

    Attributes
    ----------
    names: perturbed genes that have a vector, sorted.
    units: their vectors, centred on their own mean and brought to length 1, shape (names, dimensions).
    centre: that mean, shape (dimensions,).
    neighbours: links of each gene.
    """

    names: tuple[str, ...]
    units: Array
    centre: Array
    neighbours: int

    @classmethod
    def of(cls, perturbed: Sequence[str], vectors: Mapping[str, Array], neighbours: int) -> GeneGraph:
        """Link the perturbed genes that have a vector; none may have one."""
        names = tuple(sorted(set(perturbed) & set(vectors)))
        if not names:
            return cls((), np.zeros((0, 1)), np.zeros(1), neighbours)
        known = np.array([vectors[name] for name in names], dtype=float)
        centre = known.mean(axis=0)
        return cls(names, unit_rows(known - centre), centre, neighbours)

    def directions(self, genes: Sequence[str], vectors: Mapping[str, Array]) -> Array:
        """Centred unit vectors of genes, zero where there is none, shape (genes, dimensions)."""
        found = np.zeros((len(genes), len(self.centre)))
        for row, gene in enumerate(genes):
            if self.names and gene in vectors:
                found[row] = vectors[gene] - self.centre
        return unit_rows(found)

    def links(self, directions: Array) -> Array:
        """Weights on the nearest perturbed genes by cosine, of length 1, shape (genes, names).

        A gene that was perturbed is its own nearest neighbour. Weights fall to zero with the cosine; a gene without a
        vector, or one that is near to none, has no links. Products of these rows are a covariance for any set of
        genes, as if each shift were a mixture of independent ones that sit on the perturbed genes.
        """
        cosine = directions @ self.units.T
        kept = min(self.neighbours, len(self.names))
        weights = np.zeros_like(cosine)
        for row, near in enumerate(np.argsort(-cosine, axis=1, kind="stable")[:, :kept]):
            weights[row, near] = np.maximum(cosine[row, near], 0.0)
        return unit_rows(weights)


def unit_rows(values: Array) -> Array:
    """Rows brought to length 1; rows of zeros stay."""
    length = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.maximum(length, SMALLEST_NORM))
