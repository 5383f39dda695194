"""A training set arranged by perturbation and time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.history import History
from pajamo.data.training_set import TrainingSet
from pajamo.models.parts.scales import spread_of

Array = NDArray[np.float64]
Row = tuple[tuple[str, ...], str]
"""A perturbation (its genes) in a context."""

NOT_MEASURED = 1e8
"""Variance of an entry that was not measured, in units of the variance between cells."""


@dataclass(frozen=True)
class Recorded:
    """Changes against the control by perturbation and time, in units of each gene's spread between cells.

    Attributes
    ----------
    rows: perturbations in a context, sorted.
    contexts: names, sorted; `context_of` is each row's position among them.
    times: of measurement, sorted, in the protocol's unit.
    exposure: time since the first edit took effect, by context and time, `inf` for cells at rest; (contexts, times).
    value: shape (rows, times, genes).
    noise: sampling variance of the perturbed mean, 1 / cells; shape (rows, times).
    control_noise: the same of the control that the change refers to, shape (contexts, times).
    spread: standard deviation between cells, ln(1 + CP10K), shape (genes,).
    """

    rows: tuple[Row, ...]
    contexts: tuple[str, ...]
    context_of: NDArray[np.intp]
    times: Array
    exposure: Array
    value: Array
    noise: Array
    control_noise: Array
    spread: Array

    @classmethod
    def of(cls, training: TrainingSet, histories: dict[Condition, History]) -> Recorded:
        """Arrange the perturbed conditions of a training set; an entry that is missing carries no weight."""
        rows = tuple(sorted({(c.genes, c.context) for c in training.conditions}))
        contexts = tuple(sorted({context for _, context in rows}))
        times = np.array(sorted({c.time for c in training.conditions}))
        spread = spread_of(training)
        value = np.zeros((len(rows), len(times), training.n_genes))
        noise = np.full((len(rows), len(times)), NOT_MEASURED)
        exposure = np.full((len(contexts), len(times)), -math.inf)
        at = {row: i for i, row in enumerate(rows)}
        for i, c in enumerate(training.conditions):
            where = at[c.genes, c.context], int(np.searchsorted(times, c.time))
            value[where] = training.delta[i] / spread
            noise[where] = 1.0 / max(int(training.moments.n_cells[i]), 1)
            setting = contexts.index(c.context), where[1]
            exposure[setting] = max(exposure[setting], exposure_of(histories[c]))
        usual = np.where(times > 0, times, math.inf)
        exposure = np.where(np.isneginf(exposure), usual, exposure)
        return cls(
            rows, contexts, np.array([contexts.index(context) for _, context in rows], dtype=np.intp), times,
            exposure, value, noise, _control_noise(training, contexts, times), spread,
        )  # fmt: skip

    def of_order(self, order: int) -> Recorded:
        """Only perturbations of so many genes, all contexts and times kept."""
        rows = np.array([i for i, (genes, _) in enumerate(self.rows) if len(genes) == order], dtype=np.intp)
        return replace(
            self,
            rows=tuple(self.rows[i] for i in rows),
            context_of=self.context_of[rows],
            value=self.value[rows],
            noise=self.noise[rows],
        )

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Arrays by name."""
        return {
            "context_of": self.context_of, "times": self.times, "exposure": self.exposure, "value": self.value,
            "noise": self.noise, "control_noise": self.control_noise, "spread": self.spread,
        }  # fmt: skip

    @classmethod
    def restored(
        cls, arrays: Mapping[str, NDArray[Any]], rows: tuple[Row, ...], contexts: tuple[str, ...]
    ) -> Recorded:
        """Read what `state` gave."""
        names = ("times", "exposure", "value", "noise", "control_noise", "spread")
        return cls(rows, contexts, arrays["context_of"].astype(np.intp), *(arrays[name] for name in names))

    def positions(self, conditions: Sequence[Condition]) -> NDArray[np.intp]:
        """Row of each condition's perturbation, -1 where it was not measured in this context."""
        at = {row: i for i, row in enumerate(self.rows)}
        return np.array([at.get((c.genes, c.context), -1) for c in conditions], dtype=np.intp)


def exposure_of(history: History) -> float:
    """Time during which any edit acted, averaged over the cells that carry one, `inf` if until they rested."""
    times = [(share, sum(s.duration for s in word if s.edits)) for share, word in history.branches]
    edited = [(share, time) for share, time in times if time > 0]
    total = sum(share for share, _ in edited)
    return sum(share / total * time for share, time in edited)


def _control_noise(training: TrainingSet, contexts: tuple[str, ...], times: Array) -> Array:
    at = {setting: i for i, setting in enumerate(training.settings)}
    noise = np.full((len(contexts), len(times)), NOT_MEASURED)
    for i, context in enumerate(contexts):
        for k, time in enumerate(times):
            if (context, float(time)) in at:
                cells = int(training.controls.n_cells[at[context, float(time)]])
                noise[i, k] = 1.0 / max(cells, 1)
    return noise
