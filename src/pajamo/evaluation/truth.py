"""What was measured for the held-out conditions, kept apart from what the predictor saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.prediction import Prediction
from pajamo.data.pseudobulk import Array, Moments, Pseudobulk
from pajamo.data.splits import Fold
from pajamo.data.training_set import TrainingSet
from pajamo.errors import DataError, shorten
from pajamo.evaluation.cell_space import CellSpace
from pajamo.evaluation.differential import FALSE_DISCOVERY_RATE, benjamini_hochberg, welch
from pajamo.evaluation.duplicates import against_rest, interpolated
from pajamo.evaluation.panel.panel import Panel, Replicate
from pajamo.evaluation.panel.side import Side
from pajamo.units import LOG_NORMALISED

TECHNICAL_DUPLICATE = "technical-duplicate"
"""Name under which half of the cells predict the other half: the ceiling of every metric."""
INTERPOLATED_DUPLICATE = "interpolated-duplicate"
"""The same where its genes changed for certain, and the mean response where they did not: a quieter ceiling."""

Mask = NDArray[np.bool_]
Cells = Mapping[Condition, NDArray[np.float32]]


@dataclass(frozen=True)
class Truth:
    """The held-out conditions of one fold.

    Controls are divided: the predictor's half is what models saw, the truth's half is what the
    measured change refers to. With one shared sample its noise sits in both sides of every
    correlation.

    Attributes
    ----------
    genes, conditions: labels of the arrays' axes; all arrays are (conditions, genes).
    mean: measured mean, all cells of the condition.
    control: mean of the truth's half of the controls of the same setting.
    variance_of_mean: squared standard error of mean - control.
    n_cells: cells of each condition, shape (conditions,).
    t: Welch's t of the condition's cells against the truth's half of the controls.
    significant: differentially expressed at a false discovery rate of 5 % (Benjamini-Hochberg).
    counted: genes that metrics look at; all, or all but the perturbed genes' own.
    top: the genes with the largest |t| among the counted ones.
    t_rest: Welch's t against the cells of all other perturbations of the setting; None if there are none.
    centre, centre_seen: mean change of the training perturbations against the truth's and against
        the predictor's controls, shape (genes,): the common response that a centred correlation removes.
    cells: cells of each condition, ln(1 + CP10K), or empty.
    space: where distributions are compared, or None.
    panel: the conditions on counts, or None where the screen has none.
    duplicate: the technical duplicate, or None if no condition has two cells.
    shared_control: whether `control` is the sample that predictors saw as well.
    """

    genes: pd.Index
    conditions: tuple[Condition, ...]
    mean: Array
    control: Array
    variance_of_mean: Array
    n_cells: NDArray[np.int64]
    t: Array
    significant: Mask
    counted: Mask
    top: Mask
    centre: Array
    centre_seen: Array
    t_rest: Array | None = None
    cells: Cells = field(default_factory=dict)
    space: CellSpace | None = None
    panel: Panel | None = None
    duplicate: Duplicate | None = None
    shared_control: bool = False

    @property
    def delta(self) -> Array:
        """Measured change against the truth's controls."""
        return self.mean - self.control

    @property
    def weights(self) -> Array:
        """Weight of each gene: ((|t| - min |t|) / (max |t| - min |t|))² over counted genes, not normalised.

        With t against all other perturbations, so that what every perturbation does counts little.
        """
        strength = np.abs(self.t if self.t_rest is None else self.t_rest)
        low = np.where(self.counted, strength, np.inf).min(axis=1, keepdims=True)
        high = np.where(self.counted, strength, -np.inf).max(axis=1, keepdims=True)
        spread = np.where(high > low, high - low, np.inf)
        return np.where(self.counted, ((strength - np.where(np.isfinite(low), low, 0.0)) / spread) ** 2, 0.0)

    @classmethod
    def of(
        cls,
        bulk: Pseudobulk,
        fold: Fold,
        *,
        shared_control: bool = False,
        top_genes: int = 20,
        exclude_targets: bool = False,
        cells: Mapping[Condition, tuple[NDArray[np.float32], NDArray[np.float32]]] | None = None,
        space: CellSpace | None = None,
        counts: tuple[Panel, Replicate] | None = None,
    ) -> Truth:
        """Gather the truth of one fold.

        Parameters
        ----------
        bulk: the screen by condition and half.
        fold: its test side is the truth; its training side only gives the centre.
        shared_control: measure against all control cells, as the predictor does (older convention).
        top_genes: number of genes in `top`.
        exclude_targets: leave out the rows of the genes that were perturbed themselves, whose change
            is the intervention and not a response.
        cells: both halves of each condition's cells (see `data.cells.sample_halves`), for distributions.
        space: fitted on training cells.
        counts: panel and replicate of the fold (see `Panel.of`), for metrics on counts.

        Raises
        ------
        DataError: a held-out condition without cells, or a setting with fewer than two control cells.
        """
        whole = bulk.whole
        seen, own = (whole, whole) if shared_control else bulk.halves
        measured = _against(bulk, fold.test, whole, own)
        _require_cells(measured)
        counted = _counted(bulk.genes, fold.test, exclude_targets)
        t, p = welch(measured.moments, _control_moments(measured))
        truth = cls(
            genes=bulk.genes,
            conditions=fold.test,
            mean=measured.moments.mean,
            control=measured.control_mean(fold.test),
            variance_of_mean=_variance(measured),
            n_cells=measured.moments.n_cells,
            t=t,
            t_rest=against_rest(bulk, fold.test),
            significant=(benjamini_hochberg(p, counted) <= FALSE_DISCOVERY_RATE) & counted,
            counted=counted,
            top=strongest(np.abs(t), counted, top_genes),
            centre=_against(bulk, fold.train, whole, own).delta.mean(axis=0),
            centre_seen=_against(bulk, fold.train, whole, seen).delta.mean(axis=0),
            cells={c: np.concatenate(halves) for c, halves in (cells or {}).items()},
            space=space,
            panel=None if counts is None else counts[0],
            shared_control=shared_control,
        )
        duplicate = _duplicate(truth, bulk, seen, own, cells or {})
        return replace(
            truth, duplicate=duplicate if counts is None or duplicate is None else duplicate.on(counts[1])
        )

    def rows(self, keep: NDArray[np.intp]) -> Truth:
        """The truth of some of the conditions."""
        arrays = ("mean", "control", "variance_of_mean", "n_cells", "t", "significant", "counted", "top")
        kept = {name: getattr(self, name)[keep] for name in arrays}
        kept["t_rest"] = None if self.t_rest is None else self.t_rest[keep]
        return replace(self, conditions=tuple(self.conditions[i] for i in keep), duplicate=None, **kept)


@dataclass(frozen=True)
class Duplicate:
    """One half of the cells as a prediction of the other half, each against its own controls.

    Attributes
    ----------
    prediction: the first half's mean change.
    interpolated: between that and the mean training response, gene by gene by how sure its change is.
    truth: the second half as truth; genes are chosen as for the models.
    cells: cells of the first half, or empty.
    side: the first half on counts, or None.
    """

    prediction: Prediction
    interpolated: Prediction
    truth: Truth
    cells: Cells
    side: Side | None = None

    def on(self, replicate: Replicate) -> Duplicate:
        """The same with its counts."""
        return replace(self, truth=replace(self.truth, panel=replicate.panel), side=replicate.side)


def strongest(strength: Array, counted: Mask, k: int) -> Mask:
    """Mark the k strongest counted genes of each row; of equal ones the earlier."""
    order = np.argsort(-np.where(counted, strength, -np.inf), axis=1, kind="stable")[:, :k]
    marked = np.zeros(strength.shape, dtype=bool)
    np.put_along_axis(marked, order, True, axis=1)
    return marked & counted


def _against(
    bulk: Pseudobulk, conditions: Sequence[Condition], moments: Moments, controls: Moments
) -> TrainingSet:
    unperturbed = [condition for condition in bulk.conditions if condition.is_control]
    return TrainingSet(
        genes=bulk.genes,
        conditions=tuple(conditions),
        moments=moments[bulk.index(conditions)],
        settings=tuple(control.setting for control in unperturbed),
        controls=controls[bulk.index(unperturbed)],
    )


def _control_moments(measured: TrainingSet) -> Moments:
    position = {setting: i for i, setting in enumerate(measured.settings)}
    return measured.controls[[position[c.setting] for c in measured.conditions]]


def _variance(measured: TrainingSet) -> Array:
    return measured.variance_of_mean + measured.control_variance_of_mean(measured.conditions)


def _require_cells(measured: TrainingSet) -> None:
    empty = [c for c, n in zip(measured.conditions, measured.moments.n_cells, strict=True) if n == 0]
    if empty:
        raise DataError(f"held-out conditions without cells: {shorten(empty)}", fix="make the split again")
    bare = [bool(np.isnan(mean).any()) for mean in measured.control_mean(measured.conditions)]
    if any(bare):
        named = sorted(
            {str(c.control) for c, lacking in zip(measured.conditions, bare, strict=True) if lacking}
        )
        raise DataError(
            f"too few control cells: {shorten(named)}",
            why="controls are divided between the predictor and the truth, so each setting needs two or more",
            fix='add control cells, or set control = "shared" under [evaluation]',
        )


def _counted(genes: pd.Index, conditions: Sequence[Condition], exclude_targets: bool) -> Mask:
    counted = np.ones((len(conditions), len(genes)), dtype=bool)
    if exclude_targets:
        for row, condition in enumerate(conditions):
            counted[row] = ~genes.isin(condition.genes)
    return counted


def _duplicate(
    truth: Truth,
    bulk: Pseudobulk,
    seen: Moments,
    own: Moments,
    cells: Mapping[Condition, tuple[NDArray[np.float32], NDArray[np.float32]]],
) -> Duplicate | None:
    where = bulk.index(truth.conditions)
    keep = np.flatnonzero((bulk.halves[0].n_cells[where] > 0) & (bulk.halves[1].n_cells[where] > 0))
    if not len(keep):
        return None
    conditions = tuple(truth.conditions[i] for i in keep)
    first = _against(bulk, conditions, bulk.halves[0], seen)
    second = _against(bulk, conditions, bulk.halves[1], own)
    prediction = Prediction(
        TECHNICAL_DUPLICATE, bulk.genes, conditions, first.delta, np.sqrt(_variance(first)),
        first.control_mean(conditions), LOG_NORMALISED,
    )  # fmt: skip
    _, p = welch(first.moments, _control_moments(first))
    mixed = interpolated(prediction, truth.centre_seen, p, INTERPOLATED_DUPLICATE)
    half = replace(
        truth.rows(keep),
        mean=second.moments.mean,
        variance_of_mean=_variance(second),
        n_cells=second.moments.n_cells,
        cells={c: halves[1] for c, halves in cells.items()},
    )
    return Duplicate(prediction, mixed, half, {c: halves[0] for c, halves in cells.items()})
