"""Weights that let the few genes that change strongly count as much as all others together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pajamo.data.training_set import TrainingSet
from pajamo.models.base import Array

STRONGEST = 20
"""Genes with the largest |Welch t| against the control that count as strong in each condition."""


def strongest_entries(training: TrainingSet, rows: Sequence[int]) -> NDArray[np.bool_]:
    """Mark each training condition's strongest genes, shape (rows, genes)."""
    conditions = [training.conditions[row] for row in rows]
    error = training.variance_of_mean[list(rows)] + training.control_variance_of_mean(conditions)
    t = training.delta[list(rows)] / np.sqrt(error + 1e-9)
    order = np.argsort(-np.abs(t), axis=1, kind="stable")[:, :STRONGEST]
    marked = np.zeros(t.shape, dtype=bool)
    np.put_along_axis(marked, order, True, axis=1)
    return marked


def balanced_weights(base_error: Array, strong: NDArray[np.bool_]) -> Array:
    """Weights with mean 1 such that the weighted error is, up to a factor,

        mse / mse_base + mse_strong / mse_strong_base,

    an error over all genes and one over strong genes, each relative to the base model's.

    Parameters
    ----------
    base_error: the base model's squared errors out of fold, shape (conditions, genes).
    strong: which entries are strong, same shape.
    """
    tiny = np.finfo(float).tiny
    on_strong = base_error[strong].mean() if strong.any() else 0.0
    ratio = (base_error.mean() + tiny) / (on_strong + tiny)
    weight = 1.0 + ratio * strong / max(float(strong.mean()), tiny)
    return np.asarray(weight / weight.mean())
