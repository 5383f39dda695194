"""Equal weights over what was measured in the same setting, else over everything measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pajamo.data.conditions import Condition
from pajamo.models.base import Array


def average_of(
    conditions: Sequence[Condition],
    measured: Sequence[Condition],
    eligible: NDArray[np.bool_],
    without_self: bool,
) -> Array:
    """Equal weights of the eligible measured conditions that share the context and time, else of all.

    Returns
    -------
    Shape (conditions, measured); zeros for controls and where nothing is eligible.
    """
    weights = np.zeros((len(conditions), len(measured)))
    settings = [condition.setting for condition in measured]
    beside = {setting: eligible & [other == setting for other in settings] for setting in set(settings)}
    position = {condition: i for i, condition in enumerate(measured)}
    for row, condition in enumerate(conditions):
        if condition.is_control:
            continue
        own = position.get(condition) if without_self else None
        for allowed in (beside.get(condition.setting, np.zeros_like(eligible)), eligible):
            weights[row, allowed] = 1.0
            if own is not None:
                weights[row, own] = 0.0
            if weights[row].any():
                break
    return weights / np.maximum(weights.sum(axis=1, keepdims=True), 1.0)
