"""Main effects on counts where not every cell of a guide carries the edit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pydantic import Field

from pajamo.config import Config
from pajamo.data.conditions import Condition, singles_of
from pajamo.data.count_table import CountTable
from pajamo.data.training_set import TrainingSet
from pajamo.errors import ModelError, shorten
from pajamo.measurements.counts import log_prob
from pajamo.mechanisms.composition import pairs
from pajamo.models.base import Array, Card, Model
from pajamo.models.parts.guide_control import ControlRates
from pajamo.models.parts.guide_fit import GuideFit, cells_of, fit_guides
from pajamo.models.parts.guide_mixture import EfficiencyGrid, GuideCells
from pajamo.models.parts.guide_response import ReportedMean, mixture_effect
from pajamo.models.parts.guide_saved import arrays_of, control_from, fit_from, names_of
from pajamo.models.parts.scatter import excess_variance
from pajamo.models.parts.singles import INTERACTION_SD
from pajamo.models.registry import register

MOST_PARTS = 8
"""Largest combination: a cell of n edits has 2^n states."""
EFFECT = "full-edit effect"
EFFICIENCY, LOW, HIGH = "efficiency", "efficiency, lower 2.5 %", "efficiency, upper 97.5 %"


class GuideCountsSettings(Config):
    """Settings of the guide model."""

    efficiency_prior: tuple[float, float] = (2.0, 1.0)
    """Beta prior of a guide's efficiency: pseudo-cells that are edited and that are not, each at least 0.5."""
    complete: bool = False
    """Take every cell as edited: a negative binomial without efficiency, to compare with."""
    fully_edited: bool = False
    """Predict cells that all carry the edit, instead of the mixture that an average guide gives."""
    sweeps: int = Field(default=60, ge=1)
    """Most sweeps of expectation-maximisation over all perturbations."""


@register
class GuideCounts(Model):
    """P(cell of guide j) = e_j P(edited) + (1 - e_j) P(control), each negative binomial, one edit for all genes.

    Rates of edited cells are the control's times exp(effect). Library size and batch belong to the measurement. The
    edit of a cell is summed out over all genes at once, the efficiency of its guide over a grid; what the genes of
    control cells do together is kept from passing for an edit (`guide_mixture`).
    Effects are shrunk by perturbation and by gene. A combination adds the effects of the edits that a cell carries.
    """

    card = Card(
        name="guide-counts",
        title="Counts with guide efficiency",
        reference="mixture of edited and unedited cells after Papalexi et al. 2021, Nature Genetics 53:322, "
        "on negative binomial counts, Robinson and Smyth 2008, Biostatistics 9:321",
        needs="raw counts; each perturbed gene alone in the same context and time; best with several guides a gene",
        weights={
            EFFECT: "change of the log rate in a cell that carries the edit, ln",
            EFFICIENCY: "share of a guide's cells that carry the edit, posterior mean",
            LOW: "lower end of its 95 % interval",
            HIGH: "upper end of its 95 % interval",
            "dispersion": "squared coefficient of variation of a gene's rate between cells alike, 1",
            INTERACTION_SD: "how far training combinations lie from the sum, per gene, ln(1 + CP10K)",
        },
        limits="an efficiency is only told where the edit moves single cells, or one guide more than another: "
        "elsewhere it stays near its prior and effects scale with one over it; states that control cells are not in "
        "count as edited; no effect is fitted to combinations",
        assumes=frozenset({"additive", "order-free"}),
    )
    Settings = GuideCountsSettings
    reads_counts = True

    control_rates: ControlRates
    fitted: GuideFit
    scatter: Array
    reported: ReportedMean

    def refusal(self, training: TrainingSet, conditions: Sequence[Condition]) -> str | None:
        """No counts or guides, a gene that no training condition of its setting perturbs alone, or many at once."""
        if training.counts is None:
            return "the training set holds no raw counts"
        if training.counts.guide_of is None:
            return "no guides were recorded (a column `guide` of obs), so that their efficiencies cannot be compared"
        largest = max((condition.order for condition in conditions), default=0)
        if largest > MOST_PARTS:
            return f"a combination of {largest} perturbations is more than {MOST_PARTS}"
        unseen = sorted(set(singles_of(conditions)) - set(training.conditions))
        return f"no training condition is {shorten(map(str, unseen))} alone" if unseen else None

    def estimate(self, training: TrainingSet) -> None:
        """Fit the control, then effects and efficiencies of singles, then how far combinations lie from the sum."""
        if training.counts is None:
            raise ModelError(f"{self.card.name} needs raw counts", fix="give the training set its counts")
        parts = sorted(condition for condition in training.conditions if condition.order == 1)
        if not parts:
            raise ModelError(
                f"{self.card.name} needs single perturbations", fix="keep singles in the training set"
            )
        self.control_rates = ControlRates.fit(training.counts, training.settings, parts)
        assert isinstance(self.settings, GuideCountsSettings)
        self.fitted = fit_guides(training.counts, parts, self.control_rates, self.grid, self.settings.sweeps)
        self.reported = ReportedMean.of(training.counts.library_size, self.control_rates.dispersion)
        self.scatter = self._measure_scatter(training)

    @property
    def grid(self) -> EfficiencyGrid:
        """Values that an efficiency may take, and their prior."""
        assert isinstance(self.settings, GuideCountsSettings)
        if self.settings.complete:
            return EfficiencyGrid.complete()
        return EfficiencyGrid.beta(*self.settings.efficiency_prior)

    def respond(self, conditions: Sequence[Condition]) -> tuple[Array, Array]:
        """Difference of the means of ln(1 + CP10K); errors by the delta method, and the scatter."""
        unseen = sorted(set(singles_of(conditions)) - set(self.fitted.parts))
        if unseen:
            raise ModelError(
                f"{self.card.name} cannot predict {shorten(map(str, unseen))}",
                why="no training condition of this context and time is this perturbation alone",
            )
        delta, own, control = self._changes(conditions)
        n_pairs = np.array([len(pairs(condition)) for condition in conditions], dtype=float)
        return delta, np.sqrt(own + control + n_pairs[:, None] * self.scatter)

    def efficiencies(self) -> pd.DataFrame:
        """Each guide: perturbation, guide, cells, efficiency with sd and 95 % interval, and how far cells are apart.

        `apart` is by how many standard deviations of control cells the edit moves a cell. Far below 1, single cells
        do not show their edit: the efficiency then rests on its prior and on the comparison with the other guides.
        """
        blocks = []
        for index, (part, of) in enumerate(zip(self.fitted.parts, self.fitted.efficiencies, strict=True)):
            mean, sd, low, high = of.summary(self.grid)
            columns = {"guide": of.guides, "cells": of.cells.astype(int), "efficiency": mean, "sd": sd}
            columns |= {"low": low, "high": high, "apart": self.fitted.apart[index]}
            blocks.append(pd.DataFrame({"perturbation": str(part), **columns}))
        return pd.concat(blocks, ignore_index=True)

    def edit_probability(self, table: CountTable) -> Array:
        """Probability that each cell carries its perturbation's edit, shape (cells,).

        0 for controls; NaN for combinations and for perturbations that were not seen alone in training. A guide
        that was not seen has its efficiency from the prior.
        """
        found = np.full(len(table.library_size), np.nan)
        found[np.array([c.is_control for c in table.conditions])[table.condition_of]] = 0.0
        for index, rows, cells, posterior in self._known(table):
            ratio = cells.log_ratio(self.fitted.effects[index]) / self.fitted.inflation[index]
            found[rows] = cells.edited(ratio, posterior, self.grid)
        return found

    def cell_log_likelihood(self, table: CountTable) -> Array:
        """Logarithm of the probability of each cell's counts, shape (cells,).

        NaN for combinations and for perturbations that were not seen alone in training.
        """
        found = np.full(len(table.library_size), np.nan)
        for index, condition in enumerate(table.conditions):
            rows = np.flatnonzero(table.condition_of == index)
            if condition.is_control and len(rows):
                found[rows] = _unedited(cells_of(table, condition, self.control_rates)[0])
        for index, rows, cells, posterior in self._known(table):
            edited = (posterior @ self.grid.value)[cells.guide_of]
            ratio = cells.log_ratio(self.fitted.effects[index])
            with np.errstate(divide="ignore"):
                found[rows] = _unedited(cells) + np.logaddexp(np.log1p(-edited), np.log(edited) + ratio)
        return found

    def weights(self) -> pd.DataFrame:
        """Effects of the full edit, efficiencies with intervals, dispersions, and the sd of interactions."""
        assert self.reference is not None
        genes = self.reference.genes.astype(str).to_numpy()
        parts = np.repeat([str(part) for part in self.fitted.parts], len(genes)).astype(object)
        guides = self.efficiencies()
        named = guides["guide"] + " of " + guides["perturbation"]
        blocks = [
            (EFFECT, parts + " on " + np.tile(genes, len(self.fitted.parts)), self.fitted.effects.ravel(),
             np.sqrt(self.fitted.effect_variance).ravel(), "ln"),
            (EFFICIENCY, named, guides["efficiency"], guides["sd"], "share of cells"),
            (LOW, named, guides["low"], np.nan, "share of cells"),
            (HIGH, named, guides["high"], np.nan, "share of cells"),
            ("dispersion", genes, self.control_rates.dispersion, np.nan, "1"),
            (INTERACTION_SD, genes, np.sqrt(self.scatter), np.nan, self.reference.unit),
        ]  # fmt: skip
        keys = ("quantity", "of", "value", "se", "unit")
        return pd.concat(
            [pd.DataFrame(dict(zip(keys, block, strict=True))) for block in blocks], ignore_index=True
        )

    def state(self) -> dict[str, NDArray[np.generic]]:
        """All fitted arrays."""
        arrays = arrays_of(self.control_rates, self.fitted)
        return {**arrays, "libraries": self.reported.libraries, "scatter": self.scatter}

    def facts(self) -> dict[str, object]:
        """Names of the perturbed genes by setting, of guides, settings and batches."""
        return names_of(self.control_rates, self.fitted)

    def restore(self, state: dict[str, NDArray[np.generic]], facts: dict[str, object]) -> None:
        """Take back what `state` and `facts` gave."""
        arrays = {name: np.asarray(array, dtype=float) for name, array in state.items()}
        self.control_rates, self.fitted = control_from(arrays, facts), fit_from(arrays, facts)
        self.reported = ReportedMean(arrays["libraries"], self.control_rates.dispersion)
        self.scatter = arrays["scatter"]

    def _known(self, table: CountTable) -> Iterator[tuple[int, NDArray[np.intp], GuideCells, Array]]:
        """Index, rows, cells and efficiencies of each fitted perturbation that the table holds."""
        held = {table.conditions[i] for i in np.unique(table.condition_of)}
        for index, part in enumerate(self.fitted.parts):
            if part not in held:
                continue
            rows = np.flatnonzero(table.condition_of == table.conditions.index(part))
            cells, names = cells_of(table, part, self.control_rates)
            of, prior = self.fitted.efficiencies[index], np.exp(self.grid.log_prior)
            known = {name: of.posterior[row] for row, name in enumerate(of.guides)}
            yield index, rows, cells, np.array([known.get(name, prior) for name in names])

    def _changes(self, conditions: Sequence[Condition]) -> tuple[Array, Array, Array]:
        """Change of each condition, its variance from the parts' effects, and that from the control."""
        shape = (3, len(conditions), self.control_rates.rate.shape[1])
        found = np.zeros(shape)
        for row, condition in enumerate(conditions):
            found[:, row] = self._change(condition)
        return found[0], found[1], found[2]

    def _change(self, condition: Condition) -> tuple[Array, Array, Array]:
        """With log means m_a of the singles and b of the control, the log mean is sum m_a - (k - 1) b."""
        members = [self.fitted.parts.index(part) for part in condition.parts()]
        setting = self.control_rates.settings.index(condition.setting)
        baseline, effects = self.control_rates.rate[setting], self.fitted.effects[members]
        edited = [self._edited(member) for member in members]
        delta = self.reported.of_mixture(baseline, effects, edited) - self.reported(baseline)
        shift = [mixture_effect(effect, e) for effect, e in zip(effects, edited, strict=True)]
        slope = self.reported.slope(baseline + np.sum(shift, axis=0))
        own = slope**2 * self._variance(members).sum(axis=0)
        others = (len(members) - 1.0) * slope
        shared = (others + self.reported.slope(baseline)) ** 2 * self.control_rates.variance[setting]
        return delta, own, shared

    def _edited(self, member: int) -> float:
        assert isinstance(self.settings, GuideCountsSettings)
        return 1.0 if self.settings.fully_edited else self.fitted.efficiencies[member].average(self.grid)

    def _variance(self, members: list[int]) -> Array:
        assert isinstance(self.settings, GuideCountsSettings)
        of = self.fitted.effect_variance if self.settings.fully_edited else self.fitted.mean_variance
        return of[members]

    def _measure_scatter(self, training: TrainingSet) -> Array:
        """Scatter of training combinations, which no effect was fitted to, around the sum."""
        rows = [
            row
            for row, condition in enumerate(training.conditions)
            if 2 <= condition.order <= MOST_PARTS and set(condition.parts()) <= set(self.fitted.parts)
        ]
        if not rows:
            return np.zeros(training.n_genes)
        rows.sort(key=training.conditions.__getitem__)
        delta, own, _ = self._changes([training.conditions[row] for row in rows])
        return excess_variance(training.delta[rows] - delta, training.variance_of_mean[rows] + own)


def _unedited(cells: GuideCells) -> Array:
    """Log-likelihood of each cell if it were not edited, shape (cells,)."""
    counts, mean = torch.from_numpy(cells.counts.toarray().astype(float)), torch.from_numpy(cells.unedited())
    found: Array = log_prob(counts, mean, torch.from_numpy(cells.dispersion)).sum(-1).numpy()
    return found
