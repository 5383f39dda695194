"""Changes of conditions against controls of the same batches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.count_table import CountTable
from pajamo.data.training_set import TrainingSet
from pajamo.models.base import Array
from pajamo.units import NORMALISATION_TARGET


def matched_change(training: TrainingSet) -> Array:
    """Change of each condition's mean against controls in the proportions of its batches, (conditions, genes).

    A batch's controls differ from their setting's mean by chance and by the batch. The difference is drawn towards
    zero by the share of its variance that is the batch's (method of moments over batches and genes), so that a batch
    with few controls adds little noise. Without counts, or with one batch, it is the plain change.
    """
    table = training.counts
    if table is None or len(table.batches) < 2:
        return training.delta
    offsets = {}
    for setting in training.settings:
        offsets[setting] = _batch_offsets(training, table, Condition((), *setting))
    shares = _batch_shares(table)
    position = {condition: i for i, condition in enumerate(table.conditions)}
    moved = [shares[position[c]] @ offsets[c.setting] for c in training.conditions]
    return training.delta - np.array(moved)


def with_change(training: TrainingSet, change: Array) -> TrainingSet:
    """The training set whose changes against its controls are these."""
    mean = training.control_mean(training.conditions) + change
    return replace(training, moments=replace(training.moments, mean=mean))


def _batch_shares(table: CountTable) -> Array:
    """Share of each condition's cells in each batch, shape (conditions, batches)."""
    counted = np.zeros((len(table.conditions), len(table.batches)))
    np.add.at(counted, (table.condition_of, table.batch_of), 1.0)
    return np.asarray(counted / np.maximum(counted.sum(axis=1, keepdims=True), 1.0))


def _batch_offsets(training: TrainingSet, table: CountTable, control: Condition) -> Array:
    """Shrunken difference of each batch's controls from the setting's, ln(1 + CP10K), shape (batches, genes)."""
    empty = np.zeros((len(table.batches), training.n_genes))
    if control not in table.conditions:
        return empty
    rows = np.flatnonzero(table.condition_of == table.conditions.index(control))
    if not len(rows):
        return empty
    cells, means = _batch_means(table, rows)
    weights = cells / cells.sum()
    offset = np.where(cells[:, None] > 0, means - weights @ means, 0.0)
    noise = training.pooled_variance * (1.0 / np.maximum(cells, 1.0) - 1.0 / cells.sum())[:, None]
    noise = np.where(cells[:, None] > 0, np.maximum(noise, 0.0), 0.0)
    between = max(float((offset**2).sum() - noise.sum()), 0.0) / max(float((cells > 0).sum()), 1.0)
    chance = noise.sum(axis=1, keepdims=True)
    return np.asarray(offset * between / (between + chance + np.finfo(float).tiny))


def _batch_means(table: CountTable, rows: NDArray[np.intp]) -> tuple[Array, Array]:
    """Number of cells, and mean of ln(1 + CP10K), of some cells by batch."""
    scale = sp.diags_array(NORMALISATION_TARGET / np.maximum(table.library_size[rows], 1.0))
    logged = sp.csr_matrix(scale @ table.counts[rows]).log1p()
    member = sp.csr_matrix(
        (np.ones(len(rows)), (table.batch_of[rows], np.arange(len(rows)))), (len(table.batches), len(rows))
    )
    cells = np.bincount(table.batch_of[rows], minlength=len(table.batches)).astype(float)
    return cells, np.asarray((member @ logged).toarray() / np.maximum(cells, 1.0)[:, None])
