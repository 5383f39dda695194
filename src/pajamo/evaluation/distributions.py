"""How far predicted cells are from measured cells, as distributions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from scipy.spatial.distance import cdist

from pajamo.data.pseudobulk import Array
from pajamo.evaluation.metric import Guess, Metric, Values, register
from pajamo.evaluation.truth import Truth

WIDTHS: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Kernel widths as multiples of the median distance between training cells."""


def energy_distance(first: Array, second: Array) -> float:
    """2 E|x - y| - E|x - x'| - E|y - y'|, with pairs of different cells only (unbiased, may be negative).

    Parameters
    ----------
    first, second: cells by coordinates, at least two cells each.

    Source: Szekely and Rizzo 2013, J. Stat. Plan. Inference 143:1249, as a U-statistic.
    """
    between = cdist(first, second).mean()
    return float(
        2 * between - _off_diagonal_mean(cdist(first, first)) - _off_diagonal_mean(cdist(second, second))
    )


def squared_mmd(first: Array, second: Array, width: float) -> float:
    """Unbiased squared maximum mean discrepancy with a mean of Gaussian kernels of several widths.

    Parameters
    ----------
    first, second: cells by coordinates, at least two cells each.
    width: unit of the kernels' widths.

    Source: Gretton et al. 2012, J. Mach. Learn. Res. 13:723, eq. 3.
    """
    kernels = [
        _kernel(cdist(a, b, "sqeuclidean"), width)
        for a, b in ((first, first), (second, second), (first, second))
    ]
    return float(_off_diagonal_mean(kernels[0]) + _off_diagonal_mean(kernels[1]) - 2 * kernels[2].mean())


def _kernel(squared: Array, width: float) -> Array:
    layers = [np.exp(-squared / (2 * (factor * width) ** 2)) for factor in WIDTHS]
    return np.asarray(np.mean(layers, axis=0))


def _off_diagonal_mean(matrix: Array) -> float:
    n = len(matrix)
    return float((matrix.sum() - np.trace(matrix)) / (n * (n - 1)))


def _by_condition(distance: Callable[[Array, Array, float], float]) -> Callable[[Guess, Truth], Values]:
    def compute(guess: Guess, truth: Truth) -> Values:
        values = np.full(len(truth.conditions), np.nan)
        for row, condition in enumerate(truth.conditions):
            predicted, measured = guess.cells.get(condition), truth.cells.get(condition)
            if (
                truth.space is None
                or predicted is None
                or measured is None
                or min(len(predicted), len(measured)) < 2
            ):
                continue
            values[row] = distance(
                truth.space.project(predicted), truth.space.project(measured), truth.space.width
            )
        return Values.of(values)

    return compute


register(
    Metric(
        name="energy_distance",
        title="Energy distance",
        direction="lower",
        unit="distance in principal components",
        definition="2 E|x - y| - E|x - x'| - E|y - y'| between predicted cells x and measured cells y, "
        "Euclidean in principal components of the training cells, unbiased",
        source="Szekely and Rizzo 2013; Peidli et al. 2024, scPerturb, Nat. Methods 21:531",
        compute=_by_condition(lambda x, y, _: energy_distance(x, y)),
        needs_cells=True,
    )
)

register(
    Metric(
        name="mmd",
        title="Maximum mean discrepancy",
        direction="lower",
        unit="1",
        definition="unbiased squared maximum mean discrepancy between predicted and measured cells in "
        "principal components of the training cells; mean of Gaussian kernels whose widths are "
        "1/4 to 4 times the median distance between training cells",
        source="Gretton et al. 2012, J. Mach. Learn. Res. 13:723",
        compute=_by_condition(squared_mmd),
        needs_cells=True,
    )
)
