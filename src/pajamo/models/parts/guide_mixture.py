"""Cells of one guide as a mixture of edited and unedited ones: P = e P_edited + (1 - e) P_control.

A cell is edited or not in all its genes at once, so that the log-likelihood ratio of a cell is a sum over genes:

    s_i = sum_g [ln NB(y_ig; m_ig exp(effect_g)) - ln NB(y_ig; m_ig)],    P(y_i) / P_0(y_i) = e exp(s_i) + 1 - e

The sum takes genes as independent in cells alike, which they are not: cell cycle and other states move many at once,
and would pass for an edit in some cells. When edits and efficiencies are inferred, s is therefore divided by the
factor by which the same score varies more between control cells than independent genes would let it (a
magnitude-adjusted composite likelihood, Pauli, Racugno and Ventura 2011, Statistica Sinica 21:149).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from pajamo.models.base import Array

GRID_POINTS = 60
MOST_CONTROLS = 4000
"""Control cells by which the variance of a score is judged."""
LEAST_DISPERSION = 1e-8
"""Below, the Poisson distribution in all digits that are left."""
LONGEST_STEP = 1.0
"""Most that an effect moves in one step, ln."""
SCALES = np.exp(np.arange(-6, 16) / 10.0)
"""Multiples of all effects of a perturbation over which its efficiencies are averaged."""
SAME_MEAN = 0.97
"""Least share of the mean effect that a multiple must keep: efficiencies do not go beyond 1."""


@dataclass(frozen=True)
class EfficiencyGrid:
    """Values that an efficiency may take, and their prior.

    Attributes
    ----------
    value: increasing, shape (points,).
    log_prior: logarithm of the prior probability, shape (points,).
    """

    value: Array
    log_prior: Array

    @classmethod
    def beta(cls, edited: float, unedited: float) -> EfficiencyGrid:
        """Midpoints of equal steps under a Beta(edited, unedited) prior."""
        value = (np.arange(GRID_POINTS) + 0.5) / GRID_POINTS
        density = (edited - 1.0) * np.log(value) + (unedited - 1.0) * np.log1p(-value)
        return cls(value, density - np.logaddexp.reduce(density))

    @classmethod
    def complete(cls) -> EfficiencyGrid:
        """Every cell is edited."""
        return cls(np.ones(1), np.zeros(1))

    def divided(self, probability: Array, scale: float) -> Array:
        """The distribution of an efficiency divided by `scale`, at most the largest of the grid; (guides, points).

        Each probability goes to the two nearest points in the proportion that keeps the mean.
        """
        last = len(self.value) - 1
        position = np.clip((self.value / scale) * len(self.value) - 0.5, 0.0, last)
        below = np.minimum(position.astype(np.intp), max(last - 1, 0))
        found, share = np.zeros_like(probability.T), (position - below)[:, None]
        np.add.at(found, below, (1.0 - share) * probability.T)
        np.add.at(found, np.minimum(below + 1, last), share * probability.T)
        return np.asarray(found.T)

    def log_mixture(self, ratio: Array) -> Array:
        """ln(e exp(s) + 1 - e) of each cell at each efficiency, shape (cells, points)."""
        with np.errstate(divide="ignore"):
            unedited, edited = np.log1p(-self.value), np.log(self.value)
        return np.logaddexp(unedited, edited + ratio[:, None])


@dataclass(frozen=True)
class ControlScores:
    """How control cells differ from one another in the direction of an effect.

    Attributes
    ----------
    residual: derivative of each gene's log-likelihood in its log rate, shape (control cells, genes).
    variance: what it would vary by if the model held, mean over cells, shape (genes,).
    """

    residual: Array
    variance: Array

    @classmethod
    def of(cls, groups: Sequence[GuideCells]) -> ControlScores:
        """Scores of the control cells of all settings; of at most a few thousand, evenly spaced."""
        total = sum(len(cells.library) for cells in groups)
        step = -(-total // MOST_CONTROLS)
        parts = [cells.scores(slice(None, None, step)) for cells in groups]
        residual, variance = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        return cls(residual, variance.mean(axis=0))

    def inflation(self, effect: Array) -> float:
        """Variance of the score along the effect over that of independent genes, at least 1."""
        expected = float(effect**2 @ self.variance)
        if expected == 0.0:
            return 1.0
        return max(1.0, float(np.square(self.residual @ effect).mean()) / expected)

    def apart(self, effect: Array) -> float:
        """Standard deviations of control cells by which edited cells stand apart from them, to first order."""
        return float(np.sqrt(effect**2 @ self.variance / self.inflation(effect)))


@dataclass(frozen=True)
class GuideCells:
    """Cells of one perturbation.

    Attributes
    ----------
    counts: molecules, shape (cells, genes).
    library: molecules over all genes, shape (cells,).
    guide_of: index of each cell's guide, shape (cells,).
    guides: number of guides.
    batch_of: index of each cell's row in `rates`.
    rates: log rates of an unedited cell in each batch, shape (batches, genes).
    dispersion: shape (genes,).
    """

    counts: sp.csr_matrix
    library: Array
    guide_of: NDArray[np.intp]
    guides: int
    batch_of: NDArray[np.intp]
    rates: Array
    dispersion: Array

    def unedited(self) -> Array:
        """Expected molecules of each cell if it were not edited, shape (cells, genes)."""
        return np.asarray(np.exp(self.rates)[self.batch_of] * self.library[:, None])

    def scores(self, rows: slice) -> tuple[Array, Array]:
        """Derivative of the log-likelihood in each log rate if not edited, and its variance, (cells, genes)."""
        mean = self.unedited()[rows]
        inflation = 1.0 + self.dispersion * mean
        return (self.counts[rows].toarray() - mean) / inflation, mean / inflation

    def log_ratio(self, effect: Array) -> Array:
        """s_i, the log-likelihood ratio of edited to unedited, shape (cells,)."""
        return log_ratio(self.counts.toarray(), self.unedited(), effect, self.dispersion)

    def posterior(self, ratio: Array, grid: EfficiencyGrid) -> Array:
        """Probability of each efficiency for each guide, shape (guides, points)."""
        return _normalised(self._likelihood(ratio, grid) + grid.log_prior)

    def edited(self, ratio: Array, posterior: Array, grid: EfficiencyGrid) -> Array:
        """Probability that each cell is edited, its guide's efficiency summed out, shape (cells,)."""
        with np.errstate(divide="ignore"):
            given = np.exp(np.log(grid.value) + ratio[:, None] - grid.log_mixture(ratio))
        return np.asarray((given * posterior[self.guide_of]).sum(axis=1))

    def step(
        self, effect: Array, precision: Array, grid: EfficiencyGrid, inflation: float
    ) -> tuple[Array, Array]:
        """One step of expectation-maximisation on the effects, and their information, each of shape (genes,).

        Efficiencies and edits are summed out in the expectation; the maximisation is one Fisher step.

        Parameters
        ----------
        effect: change of the log rate in edited cells.
        precision: one over the prior variance of each effect.
        inflation: by which log-likelihood ratios are divided.
        """
        counts, mean = self.counts.toarray(), self.unedited()
        ratio = log_ratio(counts, mean, effect, self.dispersion) / inflation
        weight = self.edited(ratio, self.posterior(ratio, grid), grid)
        mean *= np.exp(effect)
        excess = 1.0 + self.dispersion * mean
        score = weight @ ((counts - mean) / excess) - precision * effect
        information = weight @ (mean / excess) + precision
        return effect + np.clip(score / information, -LONGEST_STEP, LONGEST_STEP), information

    def scale_weights(
        self, effect: Array, grid: EfficiencyGrid, efficiency: Array, inflation: float
    ) -> Array:
        """Probability of each multiple of the effects when efficiencies are divided by it, shape (scales,).

        Larger effects in fewer cells have the same mean: the direction in which the data say least. So that priors
        do not pass for data there, the prior of effects is left out (the mean, which it shrinks, stays), and that of
        efficiencies is for the average guide: many guides do not make it narrower.

        Parameters
        ----------
        efficiency: of each guide under the fitted effects, shape (guides,).
        """
        share = np.bincount(self.guide_of, minlength=self.guides) / len(self.guide_of)
        weight = np.full(len(SCALES), -np.inf)
        for row, scale in enumerate(SCALES):
            divided = np.minimum(efficiency / scale, grid.value[-1])
            average = share @ divided
            if scale * average < SAME_MEAN * (share @ efficiency):
                continue
            chance = divided[self.guide_of]
            ratio = self.log_ratio(scale * effect) / inflation
            likelihood = np.logaddexp(np.log1p(-chance), np.log(chance) + ratio).sum()
            weight[row] = likelihood + np.interp(average, grid.value, grid.log_prior) + np.log(average)
        return np.asarray(np.exp(weight - np.logaddexp.reduce(weight)))

    def mean_information(self, change: Array) -> Array:
        """Fisher information on the mean log rate if all cells had this change, shape (genes,)."""
        mean = self.unedited() * np.exp(change)
        return np.asarray((mean / (1.0 + self.dispersion * mean)).sum(axis=0))

    def _likelihood(self, ratio: Array, grid: EfficiencyGrid) -> Array:
        """Log-likelihood ratio of each guide's cells at each efficiency, shape (guides, points)."""
        total = np.zeros((self.guides, len(grid.value)))
        np.add.at(total, self.guide_of, grid.log_mixture(ratio))
        return total


def _normalised(logarithm: Array) -> Array:
    """Probabilities of each row from their logarithms, up to a factor."""
    return np.asarray(np.exp(logarithm - np.logaddexp.reduce(logarithm, axis=1)[:, None]))


def log_ratio(counts: Array, mean: Array, effect: Array, dispersion: Array) -> Array:
    """Sum over genes of ln NB(y; m exp(effect)) - ln NB(y; m), what does not depend on the effect left out on paper.

    Parameters
    ----------
    counts, mean: shape (cells, genes).
    effect, dispersion: shape (genes,).

    Returns
    -------
    Shape (cells,).
    """
    phi = np.maximum(dispersion, LEAST_DISPERSION)
    grown = np.log1p(mean * (phi * np.expm1(effect)) / (1.0 + phi * mean))
    return np.asarray(counts @ effect - ((counts + 1.0 / phi) * grown).sum(axis=1))
