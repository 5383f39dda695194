"""Where the sites that were found stand in the ranking of a prediction: areas under ROC and precision-recall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Ranking:
    """Sites of each unit (a guide, or a row) counted by their place among the distinct scores of the sites found.

    Both areas depend on nothing else, so that the figures of any resample of the units are a product of matrices.

    Attributes
    ----------
    found: sites that were found at each distinct score, from the highest down; sparse, shape (units, places).
    others: sites that were not: above the first score, at it, between it and the second, ..., below the last; sparse,
        shape (units, 2 places + 1).
    """

    found: sparse.csr_array
    others: sparse.csr_array

    @classmethod
    def of(cls, said: Array, label: Array, unit: NDArray[np.intp]) -> Ranking:
        """Count the sites: scores, 1 found or 0 not, and numbers of their units from 0, each of shape (rows,)."""
        was = label > 0
        heights = np.unique(said[was])[::-1]
        above = np.searchsorted(-heights, -said, side="left")
        tied = np.append(heights, np.nan)[above] == said
        units, places = int(unit.max(initial=-1)) + 1, len(heights)
        found = _counted(unit[was], above[was], (units, places))
        others = _counted(unit[~was], (2 * above + tied)[~was], (units, 2 * places + 1))
        return cls(found, others)

    @property
    def units(self) -> int:
        """Number of guides or rows."""
        return int(self.found.shape[0])

    def areas(self, weights: Array) -> tuple[Array, Array]:
        """Area under the ROC curve, and average precision, of units that count so often; NaN without both labels.

        Parameters
        ----------
        weights: how often each unit counts, shape (resamples, units).

        Returns
        -------
        Two arrays of shape (resamples,).
        """
        found, others = weights @ self.found, np.cumsum(weights @ self.others, axis=1)
        above, up_to = others[:, :-1:2], others[:, 1::2]
        positives, negatives = found.sum(axis=1), others[:, -1]
        with np.errstate(invalid="ignore", divide="ignore"):
            worse = (found * (above + up_to)).sum(axis=1) / 2
            roc = 1 - worse / (positives * negatives)
            hits = np.cumsum(found, axis=1)
            precision = np.where(found > 0, hits / (hits + up_to), 0.0)
            recalled = (found * precision).sum(axis=1) / positives
        return roc, np.where(negatives > 0, recalled, np.nan)


def _counted(rows: NDArray[np.intp], columns: NDArray[np.intp], shape: tuple[int, int]) -> sparse.csr_array:
    return sparse.coo_array((np.ones(len(rows)), (rows, columns)), shape=shape).tocsr()


def auroc(said: Array, label: Array) -> float:
    """Probability that a site that was found scores higher than one that was not, ties counting one half."""
    return float(_alone(said, label)[0][0])


def auprc(said: Array, label: Array) -> float:
    """Average precision: the share found among all that score as high as a site that was found, over such sites."""
    return float(_alone(said, label)[1][0])


def _alone(said: Array, label: Array) -> tuple[Array, Array]:
    return Ranking.of(said, label, np.zeros(len(said), dtype=np.intp)).areas(np.ones((1, 1)))
