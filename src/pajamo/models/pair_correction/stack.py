"""The linear stack: one weighted ridge regression over all entries of all training doubles."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pajamo.encoders.pair import LINEAR
from pajamo.models.base import Array
from pajamo.models.pair_correction.pair_entries import TrainingEntries

STACK, GATE = "stack coefficient", "gate"
RIDGE = 3e-3
"""Penalty relative to the mean square of standardised inputs."""
PRIOR_SHARE = 0.4
"""Prior coefficient of the raw and of the filtered sum of effects: together doubles reach 80 %."""
FULL_TRUST, NO_TRUST = 8, 2
"""Training doubles from which the stack stands alone, and up to which the sum of effects does."""


def fit_stack(inputs: Array, target: Array, weight: Array) -> Array:
    """Coefficients of the inputs, by ridge regression towards the prior.

    theta = theta_0 + (A^T Q A + ridge n I)^-1 A^T Q (y - A theta_0), A the inputs divided by their root
    mean square, Q the weights.

    Parameters
    ----------
    inputs: shape (doubles, genes, inputs).
    target: measured mean less the level, shape (doubles, genes).
    weight: shape (doubles, genes), mean about 1.
    """
    flat = inputs.reshape(-1, inputs.shape[-1])
    scale = np.sqrt((flat**2).mean(axis=0)) + 1e-9
    standard = flat / scale
    start = np.zeros(len(scale))
    start[:2] = PRIOR_SHARE * scale[:2]
    weighted = standard * weight.reshape(-1, 1)
    gram = weighted.T @ standard + RIDGE * len(flat) * np.eye(len(scale))
    step = np.linalg.solve(gram, weighted.T @ (target.reshape(-1) - standard @ start))
    return np.asarray((start + step) / scale)


def cross_fitted(entries: TrainingEntries) -> Array:
    """Stack coefficients without each fold, shape (folds, inputs)."""
    linear = entries.features.linear
    kept = [entries.fold != k for k in range(entries.n_folds)]
    return np.stack([fit_stack(linear[k], entries.target[k], entries.weight[k]) for k in kept])


def share_of_stack(doubles: int) -> float:
    """Weight of the stack against the plain sum; a few doubles cannot carry ten coefficients."""
    return float(np.clip((doubles - NO_TRUST) / (FULL_TRUST - NO_TRUST), 0.0, 1.0))


def stack_correction(linear: Array, theta: Array, share: float) -> Array:
    """What the stack adds to the sum of effects, shape (doubles, genes)."""
    return np.asarray(share * (linear @ theta - linear[..., 0]))


def held_out_corrections(entries: TrainingEntries, thetas: Array, share: float) -> Array:
    """The same for training doubles, each by the coefficients without its fold."""
    theta = thetas[entries.fold]
    predicted = np.einsum("dgi,di->dg", entries.features.linear, theta)
    return np.asarray(share * (predicted - entries.additive))


def coefficient_table(theta: Array, gate: float) -> pd.DataFrame:
    """Coefficients of the stack, and the gate of the networks, as rows of a table of weights."""
    rows = [
        {"quantity": STACK, "of": name, "value": value} for name, value in zip(LINEAR, theta, strict=True)
    ]
    rows.append({"quantity": GATE, "of": "networks", "value": gate})
    return pd.DataFrame(rows).assign(se=np.nan, unit="1")
