"""Effects and efficiencies of all perturbations together: sweeps of expectation-maximisation, then intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pajamo.data.conditions import Condition
from pajamo.data.count_table import CountTable
from pajamo.models.base import Array
from pajamo.models.parts.guide_control import ControlRates
from pajamo.models.parts.guide_mixture import SCALES, ControlScores, EfficiencyGrid, GuideCells
from pajamo.models.parts.guide_prior import prior_variance
from pajamo.models.parts.guide_response import mixture_effect, mixture_slope

START_SD = 0.5
"""Prior width of effects in the first sweep, before it is learned."""
CONVERGED = 0.01
"""A fit is done when no effect moves by more than this share of its standard error, plus 1e-4, in a sweep."""
TAIL = 0.025


@dataclass(frozen=True)
class Efficiencies:
    """What is known of each guide of one perturbation.

    Attributes
    ----------
    guides: their names, sorted.
    cells: number of cells, shape (guides,).
    posterior: probability of each efficiency of the grid given the fitted effects, shape (guides, points).
    marginal: the same, averaged over how large the effects may be.
    """

    guides: tuple[str, ...]
    cells: Array
    posterior: Array
    marginal: Array

    def fitted(self, grid: EfficiencyGrid) -> Array:
        """Mean efficiency of each guide given the fitted effects, shape (guides,)."""
        return self.posterior @ grid.value

    def average(self, grid: EfficiencyGrid) -> float:
        """Share of all cells of the perturbation that are edited: of an average guide, weighted by its cells."""
        return float(self.cells @ self.fitted(grid) / self.cells.sum())

    def summary(self, grid: EfficiencyGrid) -> Array:
        """Mean, standard deviation and the ends of the 95 % interval of each guide, shape (4, guides)."""
        mean = self.marginal @ grid.value
        sd = np.sqrt(np.maximum(self.marginal @ grid.value**2 - mean**2, 0.0))
        cumulative = np.cumsum(self.marginal, axis=1)
        last = len(grid.value) - 1
        ends = [grid.value[np.minimum((cumulative < tail).sum(axis=1), last)] for tail in (TAIL, 1.0 - TAIL)]
        return np.array([mean, sd, *ends])


@dataclass(frozen=True)
class GuideFit:
    """Everything that is fitted beyond the control.

    Attributes
    ----------
    parts: single perturbations, each in its setting.
    effects: change of the log rate in edited cells, shape (parts, genes).
    effect_variance: squared standard error, how far efficiencies leave it open included.
    mean_variance: squared standard error of the mean change of all cells of a part, in its log rate.
    inflation: by which log-likelihood ratios of each part are divided, shape (parts,).
    apart: standard deviations of control cells by which edited cells stand apart from them, shape (parts,).
    efficiencies: of each part's guides.
    """

    parts: tuple[Condition, ...]
    effects: Array
    effect_variance: Array
    mean_variance: Array
    inflation: Array
    apart: Array
    efficiencies: tuple[Efficiencies, ...]


def cells_of(table: CountTable, part: Condition, control: ControlRates) -> tuple[GuideCells, tuple[str, ...]]:
    """Cells of one condition with their guides; without a column of guides, all have one of the condition's name."""
    rows = np.flatnonzero(table.condition_of == table.conditions.index(part))
    if table.guide_of is None:
        names, guide_of = (str(part),), np.zeros(len(rows), dtype=np.intp)
    else:
        codes, guide_of = np.unique(table.guide_of[rows], return_inverse=True)
        names = tuple(table.guides[code] for code in codes)
    rates = control.log_rates(part.setting, table.batches)
    cells = GuideCells(
        table.counts[rows], table.library_size[rows], guide_of, len(names), table.batch_of[rows], rates,
        control.dispersion,
    )  # fmt: skip
    return cells, names


def fit_guides(
    table: CountTable, parts: Sequence[Condition], control: ControlRates, grid: EfficiencyGrid, sweeps: int
) -> GuideFit:
    """Fit all perturbations, learning the prior widths of effects on the way."""
    groups = [cells_of(table, part, control) for part in parts]
    unedited = [c for c in table.conditions if c.is_control]
    scores = ControlScores.of([cells_of(table, condition, control)[0] for condition in unedited])
    effects, prior = _sweep([cells for cells, _ in groups], scores, grid, sweeps)
    inflation = np.array([scores.inflation(effect) for effect in effects])
    finished = [
        _finish(*group, effect, precision, factor, grid)
        for group, effect, precision, factor in zip(groups, effects, 1.0 / prior, inflation, strict=True)
    ]
    efficiencies, *fitted = zip(*finished, strict=True)
    effects, variance, mean_variance = (np.array(arrays) for arrays in fitted)
    apart = np.array([scores.apart(effect) for effect in effects])
    return GuideFit(tuple(parts), effects, variance, mean_variance, inflation, apart, tuple(efficiencies))


def _sweep(
    groups: Sequence[GuideCells], scores: ControlScores, grid: EfficiencyGrid, sweeps: int
) -> tuple[Array, Array]:
    effects, variance = np.zeros((2, len(groups), groups[0].counts.shape[1]))
    prior = np.full_like(effects, START_SD**2)
    for _ in range(sweeps):
        before = effects.copy()
        for row, cells in enumerate(groups):
            inflation = scores.inflation(effects[row])
            effects[row], information = cells.step(effects[row], 1.0 / prior[row], grid, inflation)
            variance[row] = 1.0 / information
        prior = prior_variance(effects, variance)
        if (np.abs(effects - before) <= CONVERGED * np.sqrt(variance) + 1e-4).all():
            break
    return effects, prior


def _finish(
    cells: GuideCells, names: tuple[str, ...], effect: Array, precision: Array, inflation: float,
    grid: EfficiencyGrid,
) -> tuple[Efficiencies, Array, Array, Array]:  # fmt: skip
    """Efficiencies; effects at their mean scale; squared errors of these and of the mean change of all cells."""
    posterior = cells.posterior(cells.log_ratio(effect) / inflation, grid)
    weight = np.array(SCALES == 1.0, dtype=float)
    if len(grid.value) > 1:
        weight = cells.scale_weights(effect, grid, posterior @ grid.value, inflation)
    scale = float(weight @ SCALES)
    spread = max(float(weight @ SCALES**2) - scale**2, 0.0)
    marginal = sum(w * grid.divided(posterior, s) for w, s in zip(weight, SCALES, strict=True))
    number = np.bincount(cells.guide_of, minlength=cells.guides).astype(float)
    found = Efficiencies(names, number, grid.divided(posterior, scale), np.asarray(marginal))
    _, information = cells.step(scale * effect, precision / scale**2, grid, inflation)
    variance = 1.0 / information + spread * effect**2
    mean_variance = _mean_variance(cells, scale * effect, precision / scale**2, found.average(grid))
    return found, scale * effect, variance, mean_variance


def _mean_variance(cells: GuideCells, effect: Array, precision: Array, edited: float) -> Array:
    """Squared standard error of the mean change of all cells, shrunk like the effects.

    The mean is measured well even where the share of edited cells is not: its noise is that of the counts, and of
    which cells happened to be edited. The prior width of the mean is that of the effect times its slope.
    """
    change = mixture_effect(effect, edited)
    mixing = edited * (1.0 - edited) * (np.expm1(effect) / np.exp(change)) ** 2 / len(cells.library)
    noise = 1.0 / np.maximum(cells.mean_information(change), np.finfo(float).tiny) + mixing
    width = mixture_slope(effect, edited) ** 2 / precision
    return np.asarray(noise * width / (noise + width))
