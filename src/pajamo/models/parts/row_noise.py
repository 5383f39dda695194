"""How noisy the rows of a mixed model are taken to be: the same for all measured genes, or each gene its own."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from pajamo.data.training_set import TrainingSet
from pajamo.mechanisms.main_effects import row_noise
from pajamo.models.base import Array
from pajamo.models.parts.scatter import excess_by_noise

RATIOS = np.geomspace(0.01, 3.0, 8)
"""Each gene takes the nearest; equal ratios share one solution of the mixed model."""


@dataclass(frozen=True)
class GeneGroups:
    """Measured genes by how noisy a typical single's mean is.

    Attributes
    ----------
    ratio: variance of a typical single's mean, in units of the variance of main effects, shape (groups,).
    group: group of each measured gene, shape (genes,).
    """

    ratio: Array
    group: NDArray[np.intp]


@dataclass(frozen=True)
class Noise:
    """The same for all measured genes.

    Attributes
    ----------
    ratio: variance of a typical single's mean, in units of the variance of main effects.
    combinations: how many times noisier a combination is than a single, interactions included.
    """

    ratio: float
    combinations: float

    def groups(self, training: TrainingSet) -> GeneGroups:
        """All genes in one group."""
        return GeneGroups(np.array([self.ratio]), np.zeros(training.n_genes, dtype=np.intp))

    def of_rows(self, ratio: float, cells: Array, combined: NDArray[np.bool_], typical: float) -> Array:
        """r_i of each row at one group's ratio, shape (rows,)."""
        return row_noise(cells, combined, typical, ratio, self.combinations)

    def facts(self) -> dict[str, float]:
        """Numbers to save."""
        return asdict(self)


@dataclass(frozen=True)
class OwnNoise:
    """Each measured gene by its own ratio of noise to signal; interactions come on top.

    The ratio is the mean squared standard error of the singles over the variance of their effects
    beyond that noise: genes that respond strongly are hardly shrunken, genes that show nothing but
    noise are shrunken most.

    Attributes
    ----------
    multiple: factor on every gene's ratio; 1 is the empirical Bayes estimate.
    interaction: variance of a combination's interaction, in units of the variance of main effects.
    """

    multiple: float
    interaction: float

    def groups(self, training: TrainingSet) -> GeneGroups:
        """Genes by the nearest of `RATIOS`, on a logarithmic scale."""
        error = training.variance_of_mean[_probes(training)].mean(axis=0)
        signal = np.maximum(effect_spread(training), np.finfo(float).tiny)
        wanted = np.log(np.clip(self.multiple * error / signal, RATIOS[0], RATIOS[-1]))
        nearest = np.abs(wanted[:, None] - np.log(RATIOS)).argmin(axis=1)
        used, group = np.unique(nearest, return_inverse=True)
        return GeneGroups(RATIOS[used], group.astype(np.intp))

    def of_rows(self, ratio: float, cells: Array, combined: NDArray[np.bool_], typical: float) -> Array:
        """r_i of each row at one group's ratio, shape (rows,)."""
        return row_noise(cells, combined, typical, ratio, 1.0) + self.interaction * combined

    def facts(self) -> dict[str, float]:
        """Numbers to save."""
        return asdict(self)


def noise_of(facts: object) -> Noise | OwnNoise:
    """Read what `facts` gave."""
    numbers = cast("dict[str, float]", facts)
    return Noise(**numbers) if "ratio" in numbers else OwnNoise(**numbers)


def typical_cells(training: TrainingSet) -> float:
    """Median number of cells of the singles, or of all conditions where there are no singles."""
    singles = training.of_order(1)
    cells = training.moments.n_cells[singles] if len(singles) else training.moments.n_cells
    return float(np.median(cells))


def effect_spread(training: TrainingSet) -> Array:
    """tau^2: variance of the singles' effects around their mean beyond sampling, per gene; (genes,)."""
    rows = _probes(training)
    delta = training.delta[rows]
    centred = (delta - delta.mean(axis=0)) * np.sqrt(len(rows) / max(len(rows) - 1, 1))
    return excess_by_noise(centred, training.variance_of_mean[rows])


def _probes(training: TrainingSet) -> NDArray[np.intp]:
    """Rows of the singles, or of all conditions where there are fewer than two; sorted by condition."""
    singles = training.of_order(1)
    rows = singles if len(singles) > 1 else np.arange(len(training.conditions))
    return np.array(sorted(rows, key=training.conditions.__getitem__), dtype=np.intp)
