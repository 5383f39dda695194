"""Controls of several harvests of cells that do not change: each harvest's level drawn towards that of all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.training_set import TrainingSet
from pajamo.models.flow_parts.words import Histories
from pajamo.models.parts.scales import spread_of

Array = NDArray[np.float64]

ROUNDS = 5


def steady_controls(training: TrainingSet, histories: Histories) -> Array:
    """Control of each setting; where unperturbed cells do not change, drawn towards that of all times.

    Shape (settings, genes), ln(1 + CP10K).
    """
    found, spread = training.controls.mean.copy(), spread_of(training)
    for context in sorted({context for context, _ in training.settings}):
        at = [i for i, setting in enumerate(training.settings) if setting[0] == context]
        if any(histories.protocol.differentiates(Condition((), *training.settings[i])) for i in at):
            continue
        noise = 1.0 / np.maximum(training.controls.n_cells[at], 1)
        found[at] = steadied(found[at] / spread, noise) * spread
    return found


def steadied(level: Array, noise: Array) -> Array:
    """Best linear prediction of each harvest's control, were they to scatter around one level; same shape.

    How much a gene really differs between harvests is estimated from all of them (half from the gene itself, half
    pooled over genes), so that a baseline that does move is left to move.

    Parameters
    ----------
    level: measured, in units of the spread between cells, shape (harvests, genes).
    noise: sampling variance of each harvest's mean, shape (harvests,).
    """
    if len(level) < 2:
        return level
    n = noise[:, None]
    share = (1.0 / n) / (1.0 / n).sum(axis=0)
    mean = (share * level).sum(axis=0)
    raw = ((level - mean) ** 2 - n * (1.0 - share)).sum(axis=0) / (len(level) - 1)
    drift = np.maximum(0.5 * (raw + max(float(raw.mean()), 0.0)), 1e-6)
    for _ in range(ROUNDS):
        weight = 1.0 / (n + drift)
        mean = (weight * level).sum(axis=0) / weight.sum(axis=0)
    return mean + drift / (drift + n) * (level - mean)
