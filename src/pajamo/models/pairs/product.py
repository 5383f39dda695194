"""A weight of each kind of mismatch at each place, multiplied, as of CFD but learned from the rows at hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from scipy import sparse

from pajamo.data.assays.pairs.pairing import Codes
from pajamo.models.pairs.additive import minimise
from pajamo.models.pairs.base import Array, Arrays, Learned, PairModel
from pajamo.models.pairs.features import shared_differences
from pajamo.models.pairs.lines import Line

STRENGTHS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
"""Rows that a ridge counts for, of which the best on the rows kept aside is taken."""
PENALTIES = (1e-7, 1e-6, 1e-5, 1e-4, 1e-3)
"""Of the squared weights per row, for cuts."""


class Product(PairModel):
    """log10 of a rate is a sum of weights (ridge), and so is ln of the chance of a cut (Poisson's regression).

    A sum of logarithms is the logarithm of a product. Unlike the additive model with a sigmoid, it has no least rate.
    """

    name: ClassVar[str] = "position-product"
    title: ClassVar[str] = "learned weight of each mismatch at each place, multiplied"

    def _learn(self, learned: Learned) -> None:
        table = shared_differences(learned.codes, self.task)
        fit = self._chances if self.task == "cut" else self._ridge
        self.weights = fit(table, learned)
        score = table[learned.train] @ self.weights
        self._line = Line.of(score, learned.value[learned.train], self.task)

    def _chances(self, table: sparse.csr_array, learned: Learned) -> Array:
        rows, aside, value = learned.train, learned.aside, learned.value
        best, chosen = np.inf, np.zeros(table.shape[1])
        weights = np.append(np.log(value[rows].mean()), chosen)
        for penalty in reversed(PENALTIES):
            weights = minimise(table[rows], value[rows], _poisson, penalty, weights)
            missed = float(_poisson(table[aside] @ weights[1:] + weights[0], value[aside])[0].mean())
            if missed < best:
                best, chosen = missed, weights[1:]
        return chosen

    def _ridge(self, table: sparse.csr_array, learned: Learned) -> Array:
        rows, aside = learned.train, learned.aside
        fits = [ridge(table[rows], learned.value[rows], strength) for strength in STRENGTHS]
        level = learned.value[rows].mean() - np.array([(table[rows] @ each).mean() for each in fits])
        missed = [
            ((table[aside] @ each + own - learned.value[aside]) ** 2).mean()
            for each, own in zip(fits, level, strict=True)
        ]
        return fits[int(np.argmin(missed))]

    def _say(self, codes: Codes) -> Array:
        return self._line(shared_differences(codes, self.task) @ self.weights)

    def _state(self) -> Arrays:
        return {"weights": self.weights, **self._line.state()}

    def _restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        self.weights, self._line = arrays["weights"], Line.read(arrays, self.task)


def ridge(table: sparse.csr_array, value: Array, strength: float) -> Array:
    """Weights that minimise the squared error about free means plus strength times their squares, (features,)."""
    mean = np.asarray(table.mean(axis=0)).ravel()
    square = (table.T @ table).toarray() - len(value) * np.outer(mean, mean)
    product = table.T @ (value - value.mean())
    return np.asarray(np.linalg.solve(square + strength * np.eye(len(mean)), product))


def _poisson(total: Array, value: Array) -> tuple[Array, Array]:
    """Minus ln of Poisson's probability and its slope, for a chance of exp(total); a line beyond certainty."""
    inside = total < 0
    chance = np.exp(np.minimum(total, 0.0))
    loss = np.where(inside, chance - value * total, 1.0 + (1.0 - value) * total)
    return loss, np.where(inside, chance, 1.0) - value
