"""Where numbers lie and how far they spread, safe for one row and for rows that are all alike."""

from __future__ import annotations

import torch
from torch import Tensor

ALIKE = 1e-9
"""Spread, relative to the numbers' size, below which they count as all alike."""


def extent(values: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the finite values; the latter is 1 where they are all alike."""
    finite = values.detach()
    finite = finite[torch.isfinite(finite)]
    if not len(finite):
        return values.new_zeros(()), values.new_ones(())
    centre, spread = finite.mean(), finite.std(unbiased=False)
    if spread <= ALIKE * (1 + finite.abs().max()):
        spread = torch.ones_like(spread)
    return centre, spread
