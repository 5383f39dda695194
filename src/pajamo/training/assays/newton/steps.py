"""The slopes of many steps by the weights of one map, without a design for each step."""

from __future__ import annotations

import torch
from torch import Tensor

from pajamo.encoders.guides.steps import StepMap


class StepSlopes:
    """How an activity moves with the weights of a map of steps, from how it moves with each step.

    A difference between guide and target enters one step: its column is multiplied by that step's slope, and one
    product of matrices spreads the columns over the weights.

    Attributes
    ----------
    terms: places of the steps among all terms, by step.
    """

    def __init__(self, encoder: StepMap, codes: Tensor, terms: tuple[int, ...], dtype: torch.dtype) -> None:
        self.terms = list(terms)
        switched = encoder.channels[codes.long()].flatten(1)
        used = switched.any(dim=0)
        self._columns = switched[:, used].to(dtype)
        self._step = encoder.step_of.flatten()[used]
        self._spread = encoder.spread[used].to(dtype)
        self._base = encoder.base.to(dtype)

    def jacobian(self, slopes: Tensor) -> Tensor:
        """Slopes by all terms (rows, terms) to slopes by the map's weights, (rows, weights)."""
        own = slopes[:, self.terms].to(self._base.dtype)
        costs = (self._columns * own[:, self._step]) @ self._spread
        return torch.cat([own @ self._base, costs], dim=1)
