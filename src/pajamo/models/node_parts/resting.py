"""Cells that should be at rest: controls in a medium that does not change them, perturbed cells seen last."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.history import History
from pajamo.data.training_set import TrainingSet
from pajamo.mechanisms.flows.drift import Drift
from pajamo.mechanisms.flows.intervention import Intervention
from pajamo.mechanisms.flows.stationarity.guard import covariance_share, split_half_share
from pajamo.mechanisms.flows.stationarity.kernel import kernel_deviation, median_bandwidth
from pajamo.mechanisms.flows.stationarity.losses import covariance_corrected, naive, split_half
from pajamo.mechanisms.flows.stationarity.second import naive_second, split_half_second
from pajamo.mechanisms.flows.stochastic.linear_noise import GaussianLaw
from pajamo.models.flow_parts.recorded import exposure_of
from pajamo.models.flow_parts.words import Histories
from pajamo.models.node_parts.course import in_units
from pajamo.models.node_parts.space import PRECISION, StateSpace

Correction = Literal["naive", "split-half", "covariance"]
Order = Literal[1, 2, "kernel"]
PROBES = 4
"""Random directions in which the noise of a mean is followed at each step."""
MOST_CELLS = 64
"""Cells of a condition whose pairs are compared by the kernel."""


@dataclass(frozen=True)
class Resting:
    """Measured states at which a drift should vanish, one row a condition; empty if no cells are at rest.

    Attributes
    ----------
    conditions: of each row.
    mean: shape (rows, components); `error` its standard errors.
    intervention: edits and medium in which the cells rest.
    weight: how near to rest each is, shape (rows,).
    unit: mean squared standard error, which residuals are measured in.
    cells: states of single cells of each row, halves first; empty where none were kept.
    """

    conditions: tuple[Condition, ...]
    mean: torch.Tensor
    error: torch.Tensor
    intervention: Intervention
    weight: torch.Tensor
    unit: float
    cells: tuple[torch.Tensor, ...]

    def __len__(self) -> int:
        return len(self.conditions)

    def without(self, dropped: frozenset[Condition]) -> Resting:
        """The same without some conditions."""
        at = [i for i, c in enumerate(self.conditions) if c not in dropped]
        return Resting(
            tuple(self.conditions[i] for i in at), self.mean[at], self.error[at],
            self.intervention[torch.tensor(at, dtype=torch.long)], self.weight[at], self.unit,
            tuple(self.cells[i] for i in at) if self.cells else (),
        )  # fmt: skip

    def term(self, drift: Drift, correction: Correction, seed: int) -> torch.Tensor:
        """First-order stationarity in units of the noise; not below zero, where noise would be fitted."""
        if correction == "split-half":
            found = split_half(
                drift, self._halves, self.intervention, share=self._split_share, weight=self.weight
            )
        elif correction == "covariance":
            found = covariance_corrected(
                drift, self.mean, torch.diag_embed(self.error), self.intervention, share=self._noise_share,
                probes=PROBES, generator=torch.Generator().manual_seed(seed), weight=self.weight,
            )  # fmt: skip
        else:
            found = naive(drift, self.mean, self.intervention, weight=self.weight)
        return torch.relu(found) / self.unit

    def second(self, drift: Drift, diffusion: torch.Tensor, correction: Correction) -> torch.Tensor:
        """Second-order stationarity of the covariance between cells, relative to their variance."""
        matrix = torch.diag(diffusion)
        if correction == "split-half":
            halves = self._law(slice(0, None, 2)), self._law(slice(1, None, 2))
            found = torch.relu(split_half_second(drift, halves, matrix, self.intervention))
        else:
            found = naive_second(drift, self._law(slice(None)), matrix, self.intervention)
        return found / self._cell_variance() ** 2

    def deviation(self, drift: Drift, diffusion: torch.Tensor) -> torch.Tensor:
        """Kernel deviation from stationarity, averaged over conditions."""
        values = [
            kernel_deviation(
                drift,
                cells[:MOST_CELLS],
                torch.diag(diffusion),
                self.intervention[torch.tensor([i])],
                bandwidth=median_bandwidth(cells),
            )
            for i, cells in enumerate(self.cells)
        ]
        return torch.relu(torch.stack(values).mean())

    @cached_property
    def _halves(self) -> tuple[torch.Tensor, torch.Tensor]:
        first, second = (torch.stack([cells[k::2].mean(0) for cells in self.cells]) for k in (0, 1))
        return first, second

    @cached_property
    def _split_share(self) -> float:
        return split_half_share(self._halves)

    @cached_property
    def _noise_share(self) -> float:
        return covariance_share(self.mean, torch.diag_embed(self.error))

    def _law(self, which: slice) -> GaussianLaw:
        groups = [cells[which] for cells in self.cells]
        return GaussianLaw(
            torch.stack([g.mean(0) for g in groups]), torch.stack([torch.cov(g.T) for g in groups])
        )

    def _cell_variance(self) -> float:
        return float(torch.stack([cells.var(0).mean() for cells in self.cells]).mean())


def resting_controls(training: TrainingSet, space: StateSpace, histories: Histories, rate: float) -> Resting:
    """Unperturbed cells of each medium that leaves them as they are, all harvests together.

    One mean of many harvests errs less than each of them, and its noise biases the loss less. Single cells are those
    of the first harvest, which share its error.
    """
    conditions = [Condition((), *setting) for setting in training.settings]
    variance = training.control_variance_of_mean(conditions)
    cells = np.maximum(training.controls.n_cells, 1).astype(float)
    groups: dict[object, list[int]] = {}
    for i, c in enumerate(conditions):
        if not histories.protocol.differentiates(c):
            media = tuple(segment.medium for segment in histories.control(c).branches[0][1])
            groups.setdefault((histories.begin(c), media), []).append(i)
    shares = [cells[rows] / cells[rows].sum() for rows in groups.values()]
    each = list(zip(shares, groups.values(), strict=True))
    first = [conditions[rows[0]] for rows in groups.values()]
    empty = np.zeros((0, training.n_genes))
    return _resting(
        training, space, first, [histories.control(c) for c in first],
        np.array([share @ training.controls.mean[rows] for share, rows in each]) if each else empty,
        np.array([share**2 @ variance[rows] for share, rows in each]) if each else empty,
        np.ones(len(first)), rate,
    )  # fmt: skip


def resting_perturbed(training: TrainingSet, space: StateSpace, histories: Histories, rate: float) -> Resting:
    """Each perturbation at the last time that training saw it, weighted by 1 - exp(-time).

    Cells of which only some carry the edit, or that are in a medium that changes them, are at no one rest point.
    """
    last: dict[tuple[tuple[str, ...], str], int] = {}
    for i, c in enumerate(training.conditions):
        if (c.genes, c.context) not in last or training.conditions[last[c.genes, c.context]].time < c.time:
            last[c.genes, c.context] = i
    kept, made, weight = [], [], []
    for i in last.values():
        c = training.conditions[i]
        history = histories.history(c)
        if len(history.branches) == 1 and not histories.protocol.differentiates(c):
            kept.append(i)
            made.append(history)
            weight.append(1.0 - math.exp(-exposure_of(history) * rate))
    conditions = [training.conditions[i] for i in kept]
    return _resting(
        training, space, conditions, made, training.moments.mean[kept], training.variance_of_mean[kept],
        np.array(weight), rate,
    )  # fmt: skip


def _resting(
    training: TrainingSet,
    space: StateSpace,
    conditions: Sequence[Condition],
    histories: Sequence[History],
    levels: NDArray[np.float64],
    variance: NDArray[np.float64],
    weight: NDArray[np.float64],
    rate: float,
) -> Resting:
    last = [in_units(history, rate).branches[0][1].segments for history in histories]
    moved = [i for i, segments in enumerate(last) if segments]
    noise = space.variances(variance)[moved]
    kept = [conditions[i] for i in moved]
    held = all(len(training.cells.get(c, ())) >= 2 * 2 for c in kept)
    cells = [space.state(np.asarray(training.cells[c], dtype=float)) for c in kept] if held else []
    return Resting(
        tuple(kept),
        torch.tensor(space.state(levels)[moved], dtype=PRECISION),
        torch.tensor(np.sqrt(noise), dtype=PRECISION),
        space.intervene([last[i][-1] for i in moved]),
        torch.tensor(weight[moved], dtype=PRECISION),
        float(noise.mean()) + float(np.finfo(np.float32).eps) if moved else 1.0,
        tuple(torch.tensor(group, dtype=PRECISION) for group in cells),
    )
