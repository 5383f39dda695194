"""Salt on counts: main effects add in the log rate, and molecules are counted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import Field

from pajamo.config import Config
from pajamo.data.conditions import Condition, singles_of
from pajamo.data.count_table import CountTable
from pajamo.data.training_set import TrainingSet
from pajamo.errors import ModelError, shorten
from pajamo.measurements.counts import mean_log1p
from pajamo.mechanisms.composition import pairs, part_incidence
from pajamo.models.base import Array, Card, Model
from pajamo.models.parts.count_fit import GroupSums, conjugate_gradient, maximum_a_posteriori
from pajamo.models.parts.scatter import excess_variance
from pajamo.models.parts.singles import INTERACTION_SD
from pajamo.models.registry import register
from pajamo.units import NORMALISATION_TARGET

LIBRARIES = 5
"""Typical libraries (mid-quantiles of the training cells) over which the predicted mean is averaged."""
BASELINE_SD = 3.0
"""Prior width of a control log rate around its count plus one half; only matters for unseen genes."""
BATCH_SD = 0.5
"""Prior width of batch effects, in ln units."""
DERIVATIVE_STEP = 1e-4
ACCURACY = 1e-6
"""Relative accuracy of posterior variances."""
FOLDS = 5
"""Folds of training combinations that are left out in turn to measure the scatter."""


class SaltCountsSettings(Config):
    """Settings of Salt on counts."""

    prior_sd: float | None = Field(default=None, gt=0)
    """Prior width of main effects in ln units; estimated for each gene if not given."""
    rounds: int = Field(default=3, ge=1)
    """Rounds in which the prior width is estimated."""


@register
class SaltCounts(Model):
    """ln rate(A) = baseline(context, time) + sum over genes a of A of effect(a) + batch.

    All main effects are estimated together from singles and combinations, by maximum a posteriori
    under negative binomial counts with library sizes. The mean of ln(1 + CP10K) is then exact for the
    fitted distribution, zeros and all (`mean_log1p`), so that a gene that is rarely seen is not
    predicted by the logarithm of its mean.
    """

    card = Card(
        name="salt-counts",
        title="Salt on counts",
        reference="additive law of Gaudelet et al. 2024, arXiv 2404.16907; negative binomial counts as in "
        "Robinson and Smyth 2008, Biostatistics 9:321",
        needs="raw counts; each perturbed gene alone or in a combination, in the same context and time",
        weights={
            "main effect": "change of the log rate when one gene is perturbed, ln",
            "dispersion": "squared coefficient of variation of a gene's rate between cells alike, 1",
            INTERACTION_SD: "how far training combinations lie from the sum, per gene, ln(1 + CP10K)",
        },
        limits="no interactions; one dispersion a gene for all conditions; standard errors neglect "
        "correlations between main effects other than through the control",
        assumes=frozenset({"additive", "order-free", "complete-editing"}),
    )
    Settings = SaltCountsSettings
    reads_counts = True

    parts: tuple[Condition, ...]
    effects: Array
    effect_variance: Array
    baseline: Array
    baseline_variance: Array
    dispersion: Array
    libraries: Array
    scatter: Array

    def refusal(self, training: TrainingSet, conditions: Sequence[Condition]) -> str | None:
        """No counts, or a gene that was perturbed in no training condition of its setting."""
        if training.counts is None:
            return "the training set holds no raw counts"
        unseen = sorted(set(singles_of(conditions)) - set(singles_of(training.conditions)))
        return f"no training condition holds {shorten(map(str, unseen))}" if unseen else None

    def estimate(self, training: TrainingSet) -> None:
        """Fit the regression, then measure how far training combinations lie from it."""
        if training.counts is None:
            raise ModelError(f"{self.card.name} needs raw counts", fix="give the training set its counts")
        self.parts = singles_of(training.conditions)
        groups = _Groups(training.counts, training.settings, self.parts)
        self.dispersion = groups.sums.dispersion
        quantiles = (np.arange(LIBRARIES) + 0.5) / LIBRARIES
        self.libraries = np.quantile(training.counts.library_size, quantiles)
        self.scatter = self._measure_scatter(training, groups, *self._fit(groups))

    def respond(self, conditions: Sequence[Condition]) -> tuple[Array, Array]:
        """Difference of the means of ln(1 + CP10K); errors by the delta method, and the scatter."""
        unseen = sorted(set(singles_of(conditions)) - set(self.parts))
        if unseen:
            raise ModelError(
                f"{self.card.name} cannot predict {shorten(map(str, unseen))}",
                why="no training condition of this context and time holds it",
            )
        rows, members = self._rows(conditions), part_incidence(conditions, self.parts)
        delta, variance, _ = self._change(rows, members, self.baseline[rows] + members @ self.effects)
        n_pairs = np.array([len(pairs(condition)) for condition in conditions], dtype=float)
        return delta, np.sqrt(variance + n_pairs[:, None] * self.scatter)

    def control(self, conditions: Sequence[Condition]) -> Array:
        """Mean of ln(1 + CP10K) at the fitted baseline, which every condition of the setting helps to estimate."""
        return self._mean(self.baseline[self._rows(conditions)])[0]

    def weights(self) -> pd.DataFrame:
        """Main effects in ln units, dispersions, and the standard deviation of interactions."""
        assert self.reference is not None
        genes = self.reference.genes.astype(str).to_numpy()
        names = np.repeat([str(part) for part in self.parts], len(genes)).astype(object)
        blocks = [
            ("main effect", names + " on " + np.tile(genes, len(self.parts)), self.effects.ravel(),
             np.sqrt(self.effect_variance).ravel(), "ln"),
            ("dispersion", genes, self.dispersion, np.nan, "1"),
            (INTERACTION_SD, genes, np.sqrt(self.scatter), np.nan, self.reference.unit),
        ]  # fmt: skip
        keys = ("quantity", "of", "value", "se", "unit")
        return pd.concat(
            [pd.DataFrame(dict(zip(keys, block, strict=True))) for block in blocks], ignore_index=True
        )

    def state(self) -> dict[str, NDArray[np.generic]]:
        """All fitted arrays."""
        return {name: getattr(self, name) for name in _ARRAYS}

    def facts(self) -> dict[str, object]:
        """Names of the perturbed genes, by setting."""
        return {"parts": [part.to_list() for part in self.parts]}

    def restore(self, state: dict[str, NDArray[np.generic]], facts: dict[str, object]) -> None:
        """Take back what `state` and `facts` gave."""
        for name in _ARRAYS:
            setattr(self, name, np.asarray(state[name], dtype=float))
        parts = facts["parts"]
        assert isinstance(parts, list)
        self.parts = tuple(Condition.from_list(values) for values in parts)

    def _fit(self, groups: _Groups) -> tuple[Array, Array]:
        """Maximum a posteriori, with the prior width of each gene from its own effects (empirical Bayes).

        Returns all coefficients and their prior precision, each of shape (coefficients, genes).
        """
        assert isinstance(self.settings, SaltCountsSettings)
        fixed = self.settings.prior_sd
        width = np.full(groups.sums.counts.shape[1], (fixed or BATCH_SD) ** 2)
        coefficients = np.zeros((groups.design.shape[1], len(width)))
        for _ in range(1 if fixed else self.settings.rounds):
            precision = groups.precision(width)
            coefficients = groups.fit(precision, coefficients)
            information = groups.information(coefficients)
            variance = 1.0 / (groups.squared_design.T @ information + precision)
            effects = coefficients[groups.effect_rows]
            width = np.maximum((effects**2 + variance[groups.effect_rows]).mean(axis=0), 1e-4)
        self.effect_variance = variance[groups.effect_rows]
        self.effects, self.baseline = effects, groups.baseline(coefficients)
        self.baseline_variance = groups.baseline_variance(information, precision)
        return coefficients, precision

    def _change(self, rows: NDArray[np.intp], members: Array, eta: Array) -> tuple[Array, Array, Array]:
        """Change, its variance, and the part of the variance that a measured change does not share.

        With means m_a of the singles' log rates and b the control's, the log rate is
        sum m_a - (k - 1) b, and the change f(sum m_a - (k - 1) b) - f(b).
        """
        value, slope = self._mean(eta)
        control, control_slope = self._mean(self.baseline[rows])
        singles = slope**2 * (members @ self.effect_variance)
        others = (members.sum(axis=1, keepdims=True) - 1.0) * slope
        variance = singles + (others + control_slope) ** 2 * self.baseline_variance[rows]
        return value - control, variance, singles + others**2 * self.baseline_variance[rows]

    def _mean(self, eta: Array) -> tuple[Array, Array]:
        """Mean of ln(1 + CP10K) at log rates eta over typical libraries, and its derivative."""

        def at(shifted: Array) -> Array:
            terms = [
                mean_log1p(size * np.exp(shifted), self.dispersion, NORMALISATION_TARGET / size)
                for size in self.libraries
            ]
            return np.asarray(np.mean(terms, axis=0))

        up, down = at(eta + DERIVATIVE_STEP), at(eta - DERIVATIVE_STEP)
        return 0.5 * (up + down), (up - down) / (2.0 * DERIVATIVE_STEP)

    def _measure_scatter(
        self, training: TrainingSet, groups: _Groups, coefficients: Array, precision: Array
    ) -> Array:
        """Scatter of training combinations around fits that did not see them, a fold at a time."""
        order = sorted(range(len(training.conditions)), key=training.conditions.__getitem__)
        combinations = [row for row in order if training.conditions[row].order >= 2]
        parts = [
            self._left_out(training, groups, coefficients, precision, combinations[fold::FOLDS])
            for fold in range(min(FOLDS, len(combinations)))
        ]
        if not parts:
            return np.zeros(training.n_genes)
        return excess_variance(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))

    def _left_out(
        self, training: TrainingSet, groups: _Groups, start: Array, precision: Array, rows: list[int]
    ) -> tuple[Array, Array]:
        """Measured minus predicted change of conditions that the fit did not see, and its noise."""
        conditions = [training.conditions[row] for row in rows]
        coefficients = groups.fit(precision, start, without=frozenset(conditions))
        settings, members = self._rows(conditions), part_incidence(conditions, self.parts)
        eta = groups.baseline(coefficients)[settings] + members @ coefficients[groups.effect_rows]
        delta, _, unshared = self._change(settings, members, eta)
        return training.delta[rows] - delta, training.variance_of_mean[rows] + unshared

    def _rows(self, conditions: Sequence[Condition]) -> NDArray[np.intp]:
        assert self.reference is not None
        return self.reference.rows(conditions)


_ARRAYS = (
    "effects", "effect_variance", "baseline", "baseline_variance", "dispersion", "libraries", "scatter",
)  # fmt: skip


class _Groups:
    """The regression's rows: one for each condition and batch; columns: baselines, effects, batches."""

    def __init__(
        self, table: CountTable, settings: Sequence[tuple[str, float]], parts: Sequence[Condition]
    ) -> None:
        code = table.condition_of * len(table.batches) + table.batch_of
        present, group_of = np.unique(code, return_inverse=True)
        condition_of, batch_of = np.divmod(present, len(table.batches))
        self.conditions = [table.conditions[i] for i in condition_of]
        self.sums = GroupSums.of(table.counts, table.library_size, group_of, len(present))
        column = {setting: i for i, setting in enumerate(settings)}
        self.setting_of = np.array([column[c.setting] for c in self.conditions], dtype=np.intp)
        self.controls = np.array([c.is_control for c in self.conditions], dtype=bool)
        blocks = [
            sp.eye_array(len(settings), format="csr")[self.setting_of],
            sp.csr_array(part_incidence(table.conditions, parts))[condition_of],
        ]
        if len(table.batches) > 1:
            blocks.append(sp.eye_array(len(table.batches), format="csr")[batch_of])
        self.design = sp.csr_matrix(sp.hstack(blocks))
        self.squared_design = self.design.multiply(self.design).tocsr()
        self.baseline_rows = slice(0, len(settings))
        self.effect_rows = slice(len(settings), len(settings) + len(parts))
        self.start = self._start(len(settings))
        self.average_batch = np.zeros((len(settings), self.design.shape[1]))
        self.average_batch[:, self.baseline_rows] = np.eye(len(settings))
        self.average_batch[:, self.effect_rows.stop :] = 1.0 / len(table.batches)
        self.offset = self.start[self.setting_of]

    def _start(self, settings: int) -> Array:
        """Log rate of each setting's controls, half a molecule added; shape (settings, genes)."""
        control = np.eye(settings)[self.setting_of].T * self.controls
        return np.log((control @ self.sums.counts + 0.5) / (control @ self.sums.library))

    def precision(self, width: Array) -> Array:
        """Prior precision of every coefficient, shape (coefficients, genes)."""
        precision = np.full((self.design.shape[1], len(width)), BATCH_SD**-2)
        precision[self.baseline_rows] = BASELINE_SD**-2
        precision[self.effect_rows] = 1.0 / width
        return precision

    def fit(self, precision: Array, start: Array, without: frozenset[Condition] = frozenset()) -> Array:
        """Coefficients at the maximum of the posterior, from all groups or without some conditions."""
        rows = np.flatnonzero([condition not in without for condition in self.conditions])
        return maximum_a_posteriori(
            self.sums.of_rows(rows), self.design[rows], self.offset[rows], precision, start
        )

    def information(self, coefficients: Array) -> Array:
        """Fisher information on each group's log rate, shape (groups, genes)."""
        return self.sums.score_and_information(self.offset + self.design @ coefficients)[1]

    def baseline(self, coefficients: Array) -> Array:
        """Log rate of each setting's control in the average batch; shape (settings, genes)."""
        return self.start + self.average_batch @ coefficients

    def baseline_variance(self, information: Array, precision: Array) -> Array:
        """Posterior variance of that log rate, shape (settings, genes)."""
        variance = np.empty_like(self.start)
        for row, contrast in enumerate(self.average_batch):
            target = np.repeat(contrast[:, None], precision.shape[1], axis=1)
            solution = conjugate_gradient(self.design, information, precision, target, ACCURACY)
            variance[row] = contrast @ solution
        return variance
