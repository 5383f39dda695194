"""A linear network of a training set: what it says of perturbed genes, and how strongly to shrink it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.models.base import Array
from pajamo.models.parts.cell_axes import gene_scale
from pajamo.models.parts.linear_network import LinearNetwork, NetworkData
from pajamo.models.parts.own_levels import OwnLevels, target_columns
from pajamo.models.parts.training_rows import order_of, with_rows

PENALTIES = 10.0 ** np.arange(-8.0, 5.0)
"""Ridge penalties that are tried; at the largest there is no network left."""


def network_data(training: TrainingSet) -> NetworkData:
    """Changes of all training conditions, in canonical order, ready for the regression."""
    order = np.array(order_of(training))
    conditions = [training.conditions[row] for row in order]
    of = {setting: row for row, setting in enumerate(training.settings)}
    controls = training.controls.n_cells[[of[c.setting] for c in conditions]]
    noise = 1.0 / np.maximum(training.moments.n_cells[order], 1) + 1.0 / np.maximum(controls, 1)
    targets = target_columns(conditions, list(training.genes.astype(str)))
    return NetworkData.of(training.delta[order], gene_scale(training), noise, targets)


def own_columns(network: LinearNetwork, columns: NDArray[np.intp]) -> Array:
    """Change of all genes per unit change of each target's own level, shape (genes, targets)."""
    total = network.total(columns)
    own = total[columns, np.arange(len(columns))]
    return np.asarray(total / np.where(np.abs(own) > np.finfo(float).eps, own, np.inf))


def average_response(network: LinearNetwork, levels: OwnLevels, genes: Sequence[str]) -> Array:
    """Mean over perturbed genes of what the network makes of their own change, shape (genes,)."""
    (columns,) = target_columns([Condition(tuple(levels.changes))], genes)
    change = np.array([levels.changes[genes[column]] for column in columns])
    return np.asarray(own_columns(network, columns) @ change / max(len(columns), 1))


def chosen_penalty(training: TrainingSet, folds: int, seed: int) -> tuple[float, float]:
    """The penalty that best predicts singles whose gene was left out, and the share it takes off the mean's error.

    Errors are of all genes but the target, in units of their spread between cells.
    """
    errors = np.zeros(len(PENALTIES) + 1)
    for held in _folds_of_genes(training, folds, seed):
        errors += _errors_without(training, held)
    *with_network, mean = errors
    best = int(np.argmin(np.array(with_network)[::-1]))
    index = len(PENALTIES) - 1 - best
    share = 1.0 - with_network[index] / mean if mean > 0 else 0.0
    return float(PENALTIES[index]), float(np.clip(share, 0.0, 1.0))


def _folds_of_genes(training: TrainingSet, folds: int, seed: int) -> list[set[str]]:
    names = sorted({gene for c in training.conditions for gene in c.genes} & set(training.genes.astype(str)))
    shuffled = np.random.default_rng(seed).permutation(len(names)) % folds
    chosen = [{names[i] for i in np.flatnonzero(shuffled == fold)} for fold in range(folds)]
    return [held for held in chosen if held]


def _errors_without(training: TrainingSet, held: set[str]) -> Array:
    """Squared errors on the held genes' singles at each penalty, and of the mean effect last."""
    errors = np.zeros(len(PENALTIES) + 1)
    rest = with_rows(training, [row for row, c in enumerate(training.conditions) if not held & set(c.genes)])
    asked = sorted(row for row, c in enumerate(training.conditions) if c.order == 1 and c.genes[0] in held)
    singles = rest.of_order(1)
    if not len(singles) or not asked:
        return errors
    data, levels, genes = network_data(rest), OwnLevels.of(rest), list(training.genes.astype(str))
    (columns,) = target_columns([Condition(tuple(levels.changes))], genes)
    own = np.concatenate(target_columns([training.conditions[row] for row in asked], genes))
    control = training.control_mean([training.conditions[row] for row in asked])[np.arange(len(own)), own]
    truth, mean = training.delta[asked], rest.delta[singles].mean(axis=0)
    shift = [np.zeros_like(truth)]
    if len(columns):
        change = levels.share * control + levels.step
        networks = [data.fit(float(penalty)) for penalty in PENALTIES]
        shift = [
            (own_columns(n, own) * change).T - average_response(n, levels, genes) for n in networks
        ] + shift
    else:
        shift = shift * len(errors)
    for i, each in enumerate(shift):
        residual = (truth - mean - each) / data.scale
        residual[np.arange(len(own)), own] = 0.0
        errors[i] = float((residual**2).sum())
    return errors
