"""How a scalar phenotype such as growth composes: a curve in the two singles, and genes that deviate from it.

    y_ab = c0 + c1 s + c2 s^2 + c3 f_a f_b  +  u_a + u_b  +  v_a f'_b + v_b f'_a,    s = f_a + f_b

f are the phenotypes of the singles, f' the same less their mean. The curve is the quadratic surface of
Horlbeck et al. 2018 (Cell 174:953), symmetric in the pair; u shifts all pairs of a gene, v lets a gene's
pairs respond to their partner more or less than the curve says.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Rows = NDArray[np.intp]

CURVE = ("constant", "sum of singles", "squared sum of singles", "product of singles")
CURVE_PENALTY, EFFECT_PENALTY, SLOPE_PENALTY = 1e-6, 0.5, 0.3
PAIRS_AT_ONCE = 8192


def curve(singles: Array, pairs: Rows) -> Array:
    """The four terms of the curve, shape (pairs, 4); singles (genes,), pairs (pairs, 2)."""
    first, second = singles[pairs[:, 0]], singles[pairs[:, 1]]
    total = first + second
    return np.stack([np.ones(len(pairs)), total, total**2, first * second], axis=1)


def design(singles: Array, pairs: Rows) -> Array:
    """All columns: the curve, one effect and one slope a gene; shape (pairs, 4 + 2 genes)."""
    genes, rows = len(singles), np.arange(len(pairs))
    centred = singles - singles.mean()
    effects, slopes = np.zeros((len(pairs), genes)), np.zeros((len(pairs), genes))
    for own, other in ((0, 1), (1, 0)):
        effects[rows, pairs[:, own]] += 1.0
        slopes[rows, pairs[:, own]] += centred[pairs[:, other]]
    return np.hstack([curve(singles, pairs), effects, slopes])


@dataclass(frozen=True)
class GrowthLaw:
    """Coefficients of the law.

    Attributes
    ----------
    singles: phenotype of each gene alone, shape (genes,).
    curve: c0 to c3, shape (4,).
    effects, slopes: u and v, shape (genes,).
    """

    singles: Array
    curve: Array
    effects: Array
    slopes: Array

    def predict(self, pairs: Rows) -> Array:
        """Phenotype of pairs, shape (pairs,)."""
        first, second = pairs[:, 0], pairs[:, 1]
        centred = self.singles - self.singles.mean()
        shifts = self.effects[first] + self.effects[second]
        tilts = self.slopes[first] * centred[second] + self.slopes[second] * centred[first]
        return np.asarray(curve(self.singles, pairs) @ self.curve + shifts + tilts)


class GrowthRegression:
    """Ridge regression of the law on one set of pairs; solved again and again for different targets."""

    def __init__(self, singles: Array, pairs: Rows) -> None:
        self.singles, self.pairs = singles, pairs
        genes = len(singles)
        penalty = np.repeat([CURVE_PENALTY, EFFECT_PENALTY, SLOPE_PENALTY], [len(CURVE), genes, genes])
        gram = np.diag(penalty)
        for start in range(0, len(pairs), PAIRS_AT_ONCE):
            block = design(singles, pairs[start : start + PAIRS_AT_ONCE])
            gram += block.T @ block
        self.inverse = np.linalg.inv(gram)

    def solve(self, phenotypes: Array) -> GrowthLaw:
        """Coefficients for phenotypes of the pairs, shape (pairs,)."""
        genes = len(self.singles)
        centred = self.singles - self.singles.mean()
        first, second = self.pairs[:, 0], self.pairs[:, 1]

        def by_gene(first_weight: Array, second_weight: Array) -> Array:
            return np.bincount(first, first_weight, genes) + np.bincount(second, second_weight, genes)

        right = [
            curve(self.singles, self.pairs).T @ phenotypes,
            by_gene(phenotypes, phenotypes),
            by_gene(phenotypes * centred[second], phenotypes * centred[first]),
        ]
        solution = self.inverse @ np.concatenate(right)
        return GrowthLaw(self.singles, *np.split(solution, [len(CURVE), len(CURVE) + genes]))
