"""How far an edit has come by the end of a history, in a flow that follows it at one rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.data.history import History

Array = NDArray[np.float64]

LEAST = 1e-3
"""Share of its end below which an edit has done next to nothing: nothing is divided by less."""


def come_to(history: History, target: str, decay: float) -> float:
    """Share of its lasting effect that the edit of a target has at the end of a history, averaged over cells.

    dw/dt = decay (acts - w): 1 for cells at rest with the edit, less where it acted for a short time, wore off, or is
    missing in some of the cells.
    """
    total = 0.0
    for share, word in history.branches:
        weight = 0.0
        for segment in word:
            acts = any(edit.target == target for edit in segment.edits)
            kept = float(np.exp(-decay * segment.duration))
            weight = weight * kept + (1.0 - kept) * acts
        total += share * weight
    return total


def weights_of(
    conditions: Sequence[Condition], histories: Iterable[History], targets: Mapping[str, int], decay: float
) -> Array:
    """`come_to` of every condition and target, shape (conditions, targets)."""
    found = np.zeros((len(conditions), len(targets)))
    for row, (condition, history) in enumerate(zip(conditions, histories, strict=True)):
        for gene in condition.genes:
            if gene in targets:
                found[row, targets[gene]] = come_to(history, gene, decay)
    return found


def measured_shares(
    conditions: Sequence[Condition], weights: Array, gains: Array, targets: Mapping[str, int]
) -> dict[str, float]:
    """Share of a target's full effect that its fitted column holds, by least squares over conditions.

    A column that was fitted to `gain` times itself, of cells in which the edit had come to `weight`, holds weight /
    gain of the effect in a cell that carries the edit.

    Parameters
    ----------
    weights: shape (conditions, targets). gains: what the fit took them for, shape (conditions,).
    """
    seen = np.array([[gene in c.genes for gene in targets] for c in conditions], dtype=float)
    scale = np.maximum(gains, LEAST)[:, None]
    above, below = (seen * scale * weights).sum(axis=0), (seen * scale**2).sum(axis=0)
    share = np.where(below > 0, above / np.where(below > 0, below, 1.0), 1.0)
    return {gene: max(float(share[i]), LEAST) for gene, i in targets.items()}
