"""Where an autoencoder of cells starts: the linear Gaussian answer, brought to the scale of log rates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from pajamo.data.training_set import TrainingSet
from pajamo.mechanisms.composition import incidence
from pajamo.models.base import Array
from pajamo.models.latent_parts.cell_table import CellTable
from pajamo.models.latent_parts.state_axes import StateAxes
from pajamo.models.parts.cell_axes import gene_scale
from pajamo.models.parts.count_fit import GroupSums
from pajamo.models.parts.stationary_law import SMALLEST_SPREAD, MeanDesign

PRECISION = 10.0
"""Of loadings at the start, in one over squared log rate: a gene that is never seen does not follow any axis."""
LARGEST_OWN = 6.0
"""Most that a target's own log rate is taken to have changed at the start."""
SMALLEST_DISPERSION = 0.01


@dataclass(frozen=True)
class ShiftEvidence:
    """What condition means say of the latent shifts.

    Attributes
    ----------
    means: change of each training condition along the axes, shape (conditions, axes).
    design: their errors.
    spread: standard deviation of shifts between perturbations, shape (axes,).
    """

    means: Array
    design: MeanDesign
    spread: Array

    @classmethod
    def of(cls, training: TrainingSet, axes: StateAxes, names: Sequence[str]) -> ShiftEvidence:
        """From the means of a training set; along every axis cells of a condition have variance 1."""
        means = training.delta @ axes.encode
        own = 1.0 / np.maximum(training.moments.n_cells, 1)
        at = [training.settings.index(c.setting) for c in training.conditions]
        control = 1.0 / np.maximum(training.controls.n_cells[at], 1)
        design = MeanDesign.of(training.conditions, names, own, control)
        orders = np.array([c.order for c in training.conditions], dtype=float)[:, None]
        power = ((means**2 - (own + control)[:, None]) / orders).mean(axis=0)
        return cls(means, design, np.sqrt(np.maximum(power, SMALLEST_SPREAD)))

    def shifts(self) -> Array:
        """Expected shifts, shape (names, axes)."""
        return self.design.posterior(self.means, self.spread)

    def variance(self, members: Array) -> Array:
        """Posterior variance of sums of shifts, `members` (conditions, names); shape (conditions, axes)."""
        return self.design.variance(members, self.spread)


def base_of(table: CellTable) -> Array:
    """Log rate of the controls, half a molecule added; their mean where molecules were not counted; (genes,)."""
    controls = table.is_control
    if not table.counted:
        return np.asarray(table.values[controls].mean(axis=0, dtype=float))
    return _log_rate(table, controls)


def loadings_of(axes: StateAxes, table: CellTable, base: Array, states: Array, dispersion: Array) -> Array:
    """Change of the log rate along each axis, shape (axes, genes): weighted regression on conditions' mean states.

    Each condition weighs with the information of its molecules, (1/counted + dispersion/cells)^-1.

    Parameters
    ----------
    states: mean state of each of the table's conditions, shape (conditions, axes).
    dispersion: shape (genes,).
    """
    if not table.counted:
        return axes.decode
    groups = len(table.conditions)
    sums = GroupSums.of(sp.csr_matrix(table.values), table.library, table.condition_of, groups)
    counted = sums.counts + 0.5
    weight = 1.0 / (1.0 / counted + dispersion * sums.share)
    change = np.log(counted / sums.library) - base
    products = (states[:, :, None] * states[:, None, :]).reshape(groups, -1)
    gram = (weight.T @ products).reshape(-1, states.shape[1], states.shape[1])
    gram = gram + PRECISION * np.eye(states.shape[1])
    target = (weight * change).T @ states
    return np.asarray(np.linalg.solve(gram, target[:, :, None])[:, :, 0].T)


def own_of(table: CellTable, names: Sequence[str], columns: Array, explained: Array, base: Array) -> Array:
    """Change of each measured target's own log rate beyond what its shift explains, shape (names,).

    Parameters
    ----------
    columns: where each perturbed gene was measured, -1 if nowhere, shape (names,).
    explained: change that each perturbation's shift makes of every gene, shape (names, genes).
    """
    carries = incidence(table.conditions, names)[table.condition_of] > 0
    own = np.zeros(len(names))
    for i, column in enumerate(columns):
        cells = carries[:, i]
        if column >= 0 and cells.any():
            level = _log_rate(table, cells, column) if table.counted else table.values[cells, column].mean()
            own[i] = np.clip(float(level) - base[column] - explained[i, column], -LARGEST_OWN, LARGEST_OWN)
    return own


def variability_of(table: CellTable, training: TrainingSet) -> Array:
    """Dispersion of each gene's molecules within conditions, or variance of ln(1 + CP10K); shape (genes,)."""
    if not table.counted:
        return gene_scale(training) ** 2
    counts = sp.csr_matrix(table.values)
    sums = GroupSums.of(counts, table.library, table.condition_of, len(table.conditions))
    return np.maximum(sums.dispersion, SMALLEST_DISPERSION)


def _log_rate(table: CellTable, cells: Array, column: int | slice = slice(None)) -> Array:
    counted = table.values[cells][:, column].sum(axis=0, dtype=float)
    return np.asarray(np.log((counted + 0.5) / table.library[cells].sum()))
