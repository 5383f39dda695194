"""Gates: how much of a learned correction may be used, judged by doubles that it did not see."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pajamo.models.base import Array

CONFIDENCE = 1.64
"""Standard errors below the best step at which the gate is set: a one-sided bound of 95 %."""


def global_gate(correction: Array, residual: Array, strong: NDArray[np.bool_]) -> float:
    """Lower confidence bound of the best step length along out-of-fold corrections, within [0, 1].

    The best step is sum <p, r> / sum <p, p> over doubles, its error that of a ratio of sums. The gate
    is the smaller of the bounds over all genes and over the strong genes.

    Parameters
    ----------
    correction: p, out of fold, shape (doubles, genes).
    residual: r, what the stack left over, out of fold, same shape.
    strong: the genes that change most, same shape.
    """
    bounds = []
    for counted in (np.ones_like(strong), strong):
        products = (counted * correction * residual).sum(axis=1)
        squares = (counted * correction**2).sum(axis=1)
        total = squares.sum() + 1e-12
        step = products.sum() / total
        error = np.sqrt(((products - step * squares) ** 2).sum()) / total
        bounds.append(step - CONFIDENCE * error)
    return float(np.clip(min(bounds), 0.0, 1.0))


def pair_gate(members: Array, error: Array) -> Array:
    """|mean|^2 / (|mean|^2 + member variance) of each pair: members disagree where a pair is new.

    Parameters
    ----------
    members: correction by each member, shape (members, pairs, genes).
    error: standard error of a typical mean, in which genes are measured, shape (genes,).
    """
    size = (members.mean(axis=0) ** 2 / error**2).sum(axis=-1)
    spread = (members.var(axis=0) / error**2).sum(axis=-1)
    return np.asarray(size / (size + spread + 1e-12))
