"""What was measured, in the coordinates of the model, and how far predictions are from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.models.base import Array
from pajamo.models.flow_parts.words import Histories
from pajamo.models.node_parts.space import PRECISION, StateSpace
from pajamo.models.parts.training_rows import order_of

SMALLEST = 1e-6
"""Variance that every measurement has at least, in units of a typical squared response."""


def canonical(training: TrainingSet) -> TrainingSet:
    """The training set with its conditions and genes sorted, so that their order cannot matter."""
    genes = np.argsort(training.genes.astype(str), kind="stable")
    settings = np.array(sorted(range(len(training.settings)), key=training.settings.__getitem__))
    moments, controls = training.moments[order_of(training)], training.controls[settings]
    return replace(
        training,
        genes=training.genes[genes],
        conditions=tuple(sorted(training.conditions)),
        moments=replace(moments, mean=moments.mean[:, genes], variance=moments.variance[:, genes]),
        settings=tuple(training.settings[i] for i in settings),
        controls=replace(controls, mean=controls.mean[:, genes], variance=controls.variance[:, genes]),
        cells={c: training.cells[c][:, genes] for c in sorted(training.cells)},
        counts=None,
    )


@dataclass(frozen=True)
class Records:
    """Means of perturbed conditions, then of controls, as the loss reads them.

    Attributes
    ----------
    conditions: of each row.
    value, variance: of means in coordinates, shape (rows, coordinates).
    setting: which rows were harvested together, shape (rows,).
    harvest: variance of what a harvest does to all of its cells alike, shape (coordinates,).
    """

    conditions: tuple[Condition, ...]
    value: torch.Tensor
    variance: torch.Tensor
    setting: torch.Tensor
    harvest: torch.Tensor

    @classmethod
    def of(cls, training: TrainingSet, space: StateSpace, histories: Histories) -> Records:
        """Half of each variance is the typical one, so that no mean of very many cells decides alone."""
        controls = tuple(Condition((), *setting) for setting in training.settings)
        levels = np.concatenate([training.moments.mean, training.controls.mean])
        noise = np.concatenate([training.variance_of_mean, training.control_variance_of_mean(controls)])
        variance = space.coordinates.variances(noise) + SMALLEST
        settled = np.array([not histories.protocol.differentiates(c) for c in controls])
        values = space.coordinates.values(levels)
        at, error = len(training.conditions), variance.copy()
        harvest = _harvest_variance(values[at:][settled], error[at:][settled], _contexts(controls, settled))
        conditions = (*training.conditions, *controls)
        return cls(
            conditions,
            torch.tensor(values, dtype=PRECISION),
            torch.tensor((variance + variance.mean(axis=0)) / 2, dtype=PRECISION),
            torch.tensor([training.settings.index(c.setting) for c in conditions]),
            torch.tensor(harvest, dtype=PRECISION),
        )

    def misfit(self, found: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
        """Mean squared error of each member in units of the noise, harvest effects profiled out; shape (members,).

        With r the residuals of a harvest and w their precisions, the harvest's own effect b ~ N(0, h) at its best
        leaves sum(w r^2) - (sum(w r))^2 / (sum(w) + 1 / h).

        Parameters
        ----------
        found: predicted coordinates, shape (members, rows, coordinates).
        kept: which rows a member sees, as 0 and 1, shape (members, rows).
        """
        precision = kept[..., None] / self.variance
        residual = found - self.value
        total = (precision * residual**2).sum(1)
        if self.harvest.any():
            pulled, weight = self._by_harvest(precision * residual), self._by_harvest(precision)
            total = total - (pulled**2 * self.harvest / (1.0 + weight * self.harvest)).sum(1)
        return total.mean(1) / kept.sum(1).clamp(min=1.0)

    def _by_harvest(self, values: torch.Tensor) -> torch.Tensor:
        members, _, size = values.shape
        sums = values.new_zeros(members, int(self.setting.max()) + 1, size)
        return sums.index_add(1, self.setting, values)


def start_levels(training: TrainingSet, histories: Histories, begins: Sequence[str]) -> Array:
    """Mean level of unperturbed cells where histories begin, ln(1 + CP10K), shape (begins, genes).

    Controls at rest are averaged; of cells that were moving, the earliest control is the nearest to their beginning.
    """
    controls = [Condition((), *setting) for setting in training.settings]
    cells = np.maximum(training.controls.n_cells, 1).astype(float)
    found = []
    for begin in begins:
        rows = [i for i, c in enumerate(controls) if histories.begin(c) == begin]
        if histories.protocol.differentiates(controls[rows[0]]):
            rows = [min(rows, key=lambda i: controls[i].time)]
        found.append(cells[rows] @ training.controls.mean[rows] / cells[rows].sum())
    return np.array(found)


def _contexts(controls: Sequence[Condition], kept: Array) -> list[str]:
    return [c.context for c, keep in zip(controls, kept, strict=True) if keep]


def _harvest_variance(values: Array, error: Array, contexts: Sequence[str]) -> Array:
    """Variance of resting controls between harvests of a context beyond that of their cells, shape (coordinates,)."""
    names = sorted(set(contexts))
    spread, freedom = np.zeros(values.shape[1]), 0
    for name in names:
        rows = [i for i, context in enumerate(contexts) if context == name]
        spread += ((values[rows] - values[rows].mean(axis=0)) ** 2).sum(axis=0)
        freedom += len(rows) - 1
    if freedom == 0:
        return spread
    return np.maximum(spread / freedom - error.mean(axis=0), 0.0)
