"""Resampling of perturbations, the same for every model and metric."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pajamo.data.pseudobulk import Array


@dataclass(frozen=True)
class Resamples:
    """How often each perturbation is drawn in each resample.

    A perturbation that is held out in several folds is drawn with all of its rows, since they
    share its cells: folds stay paired, and repeats do not make an interval narrower than the number of
    perturbations allows.

    Attributes
    ----------
    weights: shape (resamples, perturbations); each row sums to the number of perturbations.
    unit_of: the perturbation of each row of a table of scores, shape (rows,).
    level: coverage of the intervals.
    """

    weights: Array
    unit_of: NDArray[np.intp]
    level: float

    @classmethod
    def draw(cls, unit_of: NDArray[np.intp], count: int, level: float, seed: int) -> Resamples:
        """Draw `count` resamples of the perturbations, with replacement."""
        n = int(unit_of.max()) + 1
        rng = np.random.default_rng(seed)
        weights = rng.multinomial(n, np.full(n, 1.0 / n), size=count).astype(np.float64)
        return cls(weights, unit_of, level)

    def means(self, values: Array) -> tuple[Array, Array]:
        """Mean over rows and its resamples, leaving out rows that are NaN.

        Parameters
        ----------
        values: shape (rows, columns); any NaN in a column leaves that row out of that column only.

        Returns
        -------
        The means, (columns,), and their resamples, (resamples, columns); NaN where nothing is left.
        """
        present = np.isfinite(values)
        n = self.weights.shape[1]
        sums, counts = np.zeros((n, values.shape[1])), np.zeros((n, values.shape[1]))
        np.add.at(sums, self.unit_of, np.where(present, values, 0.0))
        np.add.at(counts, self.unit_of, present)
        drawn, size = self.weights @ sums, self.weights @ counts
        point = _ratio(sums.sum(axis=0), counts.sum(axis=0))
        return point, _ratio(drawn, size)

    def interval(self, resampled: Array, units: int) -> tuple[Array, Array]:
        """Expanded percentile interval of each column, NaN below two perturbations.

        The percentile interval of a mean is too narrow by sqrt((n - 1) / n) and by normal instead of t
        quantiles; the percentiles are moved outwards accordingly (Hesterberg 2015, Am. Stat. 69:371).

        Parameters
        ----------
        resampled: shape (resamples, columns).
        units: number of perturbations behind the columns.
        """
        if units < 2:
            nothing = np.full(resampled.shape[1], np.nan)
            return nothing, nothing
        quantile = stats.t.ppf((1 - self.level) / 2, units - 1) * np.sqrt(units / (units - 1))
        tail = float(stats.norm.cdf(quantile))
        empty = ~np.isfinite(resampled).any(axis=0)
        filled = np.where(empty, 0.0, resampled)
        low, high = np.nanquantile(filled, [tail, 1 - tail], axis=0)
        return np.where(empty, np.nan, low), np.where(empty, np.nan, high)


def _ratio(numerator: Array, denominator: Array) -> Array:
    blank = np.full(np.shape(numerator), np.nan)
    return np.asarray(np.divide(numerator, denominator, out=blank, where=denominator > 0))
