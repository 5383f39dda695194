"""What was measured in one setting, as the rows of a mixed model."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from pajamo.data.conditions import Condition
from pajamo.data.training_set import Setting, TrainingSet
from pajamo.mechanisms.composition import incidence
from pajamo.models.base import Array
from pajamo.models.parts.row_noise import GeneGroups, Noise, OwnNoise


@dataclass(frozen=True)
class SettingRows:
    """What was measured in one setting, the control first.

    Attributes
    ----------
    conditions: sorted, so that their order in training cannot matter.
    mean, variance: means and their squared standard errors, shape (rows, genes).
    cells: shape (rows,).
    """

    conditions: tuple[Condition, ...]
    mean: Array
    variance: Array
    cells: Array

    @classmethod
    def of(cls, training: TrainingSet, setting: Setting) -> SettingRows:
        """The rows of a training set in one setting."""
        control = training.settings.index(setting)
        found = [row for row, c in enumerate(training.conditions) if c.setting == setting]
        rows = sorted(found, key=training.conditions.__getitem__)
        unperturbed = Condition((), *setting)
        return cls(
            (unperturbed, *(training.conditions[row] for row in rows)),
            np.vstack([training.controls.mean[control], training.moments.mean[rows]]),
            np.vstack([training.control_variance_of_mean([unperturbed]), training.variance_of_mean[rows]]),
            np.concatenate([training.controls.n_cells[[control]], training.moments.n_cells[rows]]).astype(
                float
            ),
        )

    def without(self, held: Collection[tuple[str, ...]]) -> SettingRows:
        """The rows whose set of genes is not held out."""
        kept = [row for row, c in enumerate(self.conditions) if c.genes not in held]
        conditions = tuple(self.conditions[row] for row in kept)
        return SettingRows(conditions, self.mean[kept], self.variance[kept], self.cells[kept])

    def members(self, names: Sequence[str]) -> Array:
        """Incidence of the rows, shape (rows, names)."""
        return incidence(self.conditions, names)

    def noise(self, noise: Noise | OwnNoise, genes: GeneGroups, typical: float) -> Array:
        """r_i of each group of genes and row, shape (groups, rows)."""
        combined = np.array([c.order > 1 for c in self.conditions])
        return np.stack([noise.of_rows(float(ratio), self.cells, combined, typical) for ratio in genes.ratio])
