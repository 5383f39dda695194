"""The control's log rates and the batches' effects on them, from one regression of all controls and singles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.count_table import CountTable
from pajamo.models.base import Array
from pajamo.models.parts.count_fit import GroupSums, conjugate_gradient, maximum_a_posteriori

Setting = tuple[str, float]

BASELINE_SD = 3.0
"""Prior width of a control's log rate around its count plus one half; only matters for unseen genes."""
EFFECT_SD = 1.0
"""Prior width of the effects that keep perturbed cells from moving the control; none of them is used."""
BATCH_SD = 0.5
"""Prior width of batch effects, in ln units."""
LEAST_CONTROLS = 100
"""Control cells from which dispersions are theirs alone: perturbed cells also vary because not all are edited."""
ACCURACY = 1e-6


@dataclass(frozen=True)
class ControlRates:
    """What an unedited cell is expected to show.

    Attributes
    ----------
    settings: each (context, time).
    batches: names of the batches.
    rate: log share of the library in the average batch, shape (settings, genes).
    variance: of that log rate, same shape.
    batch: a batch's difference from the average one, shape (batches, genes).
    dispersion: of single cells alike, shape (genes,).
    """

    settings: tuple[Setting, ...]
    batches: tuple[str, ...]
    rate: Array
    variance: Array
    batch: Array
    dispersion: Array

    @classmethod
    def fit(cls, table: CountTable, settings: Sequence[Setting], parts: Sequence[Condition]) -> ControlRates:
        """Maximum a posteriori of ln rate = setting + part + batch on counts summed over condition and batch."""
        fit = _Regression(table, settings, parts)
        coefficients, information = fit.solve()
        n, effects = len(settings), len(settings) + len(parts)
        batch = coefficients[effects:]
        average = np.zeros((n, len(coefficients)))
        average[:, :n] = np.eye(n)
        average[:, effects:] = 1.0 / max(len(batch), 1)
        return cls(
            tuple(settings),
            table.batches,
            fit.start + average @ coefficients,
            fit.variance(average, information),
            batch - batch.mean(axis=0) if len(batch) else np.zeros((1, table.counts.shape[1])),
            fit.sums.dispersion,
        )

    def log_rates(self, setting: Setting, batches: Sequence[str]) -> Array:
        """Log rates of an unedited cell in each of the batches; an unknown batch counts as the average one."""
        known = {name: row for row, name in enumerate(self.batches)}
        zero = np.zeros(self.rate.shape[1])
        shift = np.array([self.batch[known[name]] if name in known else zero for name in batches])
        return np.asarray(self.rate[self.settings.index(setting)] + shift)


class _Regression:
    """Rows: one for each condition and batch; columns: settings, parts, batches where there are several."""

    def __init__(self, table: CountTable, settings: Sequence[Setting], parts: Sequence[Condition]) -> None:
        wanted = {part: column for column, part in enumerate(parts)}
        used = np.array([c.is_control or c in wanted for c in table.conditions])[table.condition_of]
        rows = np.flatnonzero(used)
        code = table.condition_of[rows] * len(table.batches) + table.batch_of[rows]
        present, group_of = np.unique(code, return_inverse=True)
        condition_of, batch_of = np.divmod(present, len(table.batches))
        conditions = [table.conditions[i] for i in condition_of]
        self.sums = GroupSums.of(table.counts[rows], table.library_size[rows], group_of, len(present))
        self.controls = np.array([c.is_control for c in conditions], dtype=bool)
        self._own_dispersion(table, rows, group_of)
        column = {setting: i for i, setting in enumerate(settings)}
        self.setting_of = np.array([column[c.setting] for c in conditions], dtype=np.intp)
        part_of = np.array([wanted.get(c, -1) for c in conditions])
        blocks = [np.eye(len(settings))[self.setting_of], part_of[:, None] == np.arange(len(parts))]
        if len(table.batches) > 1:
            blocks.append(np.eye(len(table.batches))[batch_of])
        self.design = sp.csr_matrix(np.hstack(blocks).astype(float))
        sd = [BASELINE_SD] * len(settings) + [EFFECT_SD] * len(parts)
        sd += [BATCH_SD] * (self.design.shape[1] - len(sd))
        self.precision = np.repeat(np.array(sd)[:, None] ** -2.0, table.counts.shape[1], axis=1)
        own = np.eye(len(settings))[self.setting_of].T * self.controls
        self.start = np.log((own @ self.sums.counts + 0.5) / (own @ self.sums.library))

    def _own_dispersion(
        self, table: CountTable, rows: NDArray[np.intp], group_of: NDArray[np.integer]
    ) -> None:
        """Take the dispersion of controls alone where there are enough."""
        kept = self.controls[group_of]
        if kept.sum() < LEAST_CONTROLS:
            return
        names, renamed = np.unique(group_of[kept], return_inverse=True)
        cells = rows[kept]
        own = GroupSums.of(table.counts[cells], table.library_size[cells], renamed, len(names))
        self.sums = GroupSums(self.sums.counts, self.sums.library, self.sums.share, own.dispersion)

    def solve(self) -> tuple[Array, Array]:
        """Coefficients, and the Fisher information on each row's log rate."""
        offset = self.start[self.setting_of]
        zero = np.zeros_like(self.precision)
        found = maximum_a_posteriori(self.sums, self.design, offset, self.precision, zero)
        return found, self.sums.score_and_information(offset + self.design @ found)[1]

    def variance(self, contrasts: Array, information: Array) -> Array:
        """Posterior variance of each contrast of coefficients, shape (contrasts, genes)."""
        found = np.empty((len(contrasts), information.shape[1]))
        for row, contrast in enumerate(contrasts):
            target = np.repeat(contrast[:, None], information.shape[1], axis=1)
            found[row] = contrast @ conjugate_gradient(
                self.design, information, self.precision, target, ACCURACY
            )
        return found
