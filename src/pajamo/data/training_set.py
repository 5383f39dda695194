"""What a model may see of a screen: the training conditions of one fold, and control cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.count_table import CountTable
from pajamo.data.history import HistoryRule
from pajamo.data.pseudobulk import Array, Moments, Pseudobulk
from pajamo.errors import DataError, shorten
from pajamo.units import LOG_NORMALISED

Setting = tuple[str, float]

PRIOR_CELLS = 10
"""How many cells' worth of weight the variance pooled over conditions has in each condition's own."""


@dataclass(frozen=True)
class TrainingSet:
    """Means of perturbed conditions and of the controls in every setting (context, time).

    Attributes
    ----------
    genes: measured genes, in the order of every array's last axis.
    conditions: perturbed conditions seen in training, without controls.
    moments: their moments, shape (conditions, genes).
    settings: each (context, time) in which controls were measured, held-out ones included: a control
        belongs to the experiment, not to the answer.
    controls: moments of the predictor's half of the control cells, shape (settings, genes).
    embedding: prior vectors of genes by name (for instance from gene ontology), or empty.
    cells: for distribution models, ln(1 + CP10K) values of up to a few hundred cells per condition,
        each of shape (cells, genes), the predictor's half of the controls included; empty if no model
        asked for them.
    counts: for models of counts, the raw counts of the same cells; None if no model asked for them.
    unit: unit of the means.
    protocol: what cells of each condition went through before they were measured; None if the study does not say,
        which models of dynamics read as "perturbed at time zero, in a medium that unperturbed cells rest in".
    """

    genes: pd.Index
    conditions: tuple[Condition, ...]
    moments: Moments
    settings: tuple[Setting, ...]
    controls: Moments
    embedding: Mapping[str, Array] = field(default_factory=dict)
    cells: Mapping[Condition, NDArray[np.float32]] = field(default_factory=dict)
    unit: str = LOG_NORMALISED
    counts: CountTable | None = None
    protocol: HistoryRule | None = None

    @classmethod
    def from_pseudobulk(
        cls,
        bulk: Pseudobulk,
        conditions: Sequence[Condition],
        *,
        shared_control: bool = False,
        embedding: Mapping[str, Array] | None = None,
        cells: Mapping[Condition, NDArray[np.float32]] | None = None,
        counts: CountTable | None = None,
        protocol: HistoryRule | None = None,
    ) -> TrainingSet:
        """Take the training conditions and the predictor's half of the controls.

        With `shared_control` the predictor sees all control cells, which the truth is then measured
        against as well: the field's older convention, kept for comparison with published figures.
        """
        perturbed = tuple(condition for condition in conditions if not condition.is_control)
        controls = [condition for condition in bulk.conditions if condition.is_control]
        moments = bulk.whole if shared_control else bulk.halves[0]
        return cls(
            genes=bulk.genes,
            conditions=perturbed,
            moments=bulk.whole[bulk.index(perturbed)],
            settings=tuple(control.setting for control in controls),
            controls=moments[bulk.index(controls)],
            embedding=embedding or {},
            cells=cells or {},
            counts=counts,
            protocol=protocol,
        )

    @classmethod
    def from_table(cls, means: Mapping[Condition, float], standard_error: float = 0.0) -> TrainingSet:
        """One phenotype (growth, a reporter's signal) per condition, relative to a control at zero."""
        conditions = tuple(condition for condition in means if not condition.is_control)
        values = np.array([[means[condition]] for condition in conditions], dtype=float)
        ones = np.ones(len(conditions), dtype=np.int64)
        return cls(
            genes=pd.Index(["phenotype"]),
            conditions=conditions,
            moments=Moments(ones, values, np.full_like(values, standard_error**2)),
            settings=(("", 0.0),),
            controls=Moments(np.ones(1, dtype=np.int64), np.zeros((1, 1)), np.zeros((1, 1))),
            unit="phenotype",
        )

    @property
    def n_genes(self) -> int:
        """Number of measured genes."""
        return len(self.genes)

    @cached_property
    def delta(self) -> Array:
        """Change of each condition's mean against its control, shape (conditions, genes)."""
        return self.moments.mean - self.control_mean(self.conditions)

    @cached_property
    def pooled_variance(self) -> Array:
        """Variance between cells within conditions, pooled over conditions; shape (genes,)."""
        both = [self.moments, self.controls]
        freedom = np.concatenate([np.maximum(m.n_cells - 1, 0) for m in both])
        variance = np.concatenate([m.variance for m in both])
        if freedom.sum() == 0:
            return (
                np.asarray(np.nanmean(variance, axis=0))
                if np.isfinite(variance).any()
                else np.zeros(self.n_genes)
            )
        return np.asarray(freedom @ np.nan_to_num(variance) / freedom.sum())

    @cached_property
    def variance_of_mean(self) -> Array:
        """Squared standard error of each condition's mean, shape (conditions, genes)."""
        return self._squeezed(self.moments)

    def control_mean(self, conditions: Sequence[Condition]) -> Array:
        """Mean of the predictor's controls in each condition's setting, shape (conditions, genes)."""
        return self.controls.mean[self._setting_index(conditions)]

    def control_variance_of_mean(self, conditions: Sequence[Condition]) -> Array:
        """Squared standard error of those control means, shape (conditions, genes)."""
        return self._squeezed(self.controls)[self._setting_index(conditions)]

    def of_order(self, order: int) -> NDArray[np.intp]:
        """Positions of the conditions with this many perturbed genes."""
        return np.flatnonzero([condition.order == order for condition in self.conditions])

    def _squeezed(self, moments: Moments) -> Array:
        """Variance of the mean with each gene's variance drawn towards the pooled one.

        With few cells a gene that was not seen has a variance of zero by chance, which would make
        its mean look exact.
        """
        own = np.maximum(moments.n_cells - 1, 0)[:, None]
        pooled = (own * np.nan_to_num(moments.variance) + PRIOR_CELLS * self.pooled_variance) / (
            own + PRIOR_CELLS
        )
        return np.asarray(pooled / np.maximum(moments.n_cells, 1)[:, None])

    def _setting_index(self, conditions: Sequence[Condition]) -> NDArray[np.intp]:
        position = {setting: i for i, setting in enumerate(self.settings)}
        missing = {c.setting for c in conditions} - position.keys()
        if missing:
            raise DataError(
                f"no control cells in {shorten(sorted(map(str, missing)))}",
                why="a change is measured against the control of the same context and time",
                fix="add control cells for this setting or drop it with `pajamo check --fix drop-uncontrolled`",
            )
        return np.array([position[c.setting] for c in conditions], dtype=np.intp)
