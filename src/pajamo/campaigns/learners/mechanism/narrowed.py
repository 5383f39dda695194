"""Fewer unknowns that say the same: those of an instrument's many parameters that any candidate sees."""

from __future__ import annotations

import torch
from torch import Tensor

LEFT_OUT = 1e-12
"""Share of the unknowns' variance in what instruments show that may be left out."""


def common_axes(drift: Tensor, kept: int) -> Tensor:
    """Orthonormal directions among unknowns in which all candidates lie, shape (K, at most K).

    The first `kept` unknowns stay as they are; of the others those combinations are found along which instruments
    move at any activity, and which are few, as their curves are smooth.

    Parameters
    ----------
    drift: how what instruments show moves with the unknowns, shape (G, K).
    kept: unknowns of the mechanism, which come first.
    """
    size = drift.shape[1]
    first = torch.eye(size, kept, dtype=drift.dtype)
    if size == kept:
        return first
    _, values, axes = torch.linalg.svd(drift[:, kept:], full_matrices=False)
    shares = (values**2).flip(0).cumsum(0).flip(0) / (values**2).sum().clamp(
        min=torch.finfo(drift.dtype).tiny
    )
    rest = torch.nn.functional.pad(axes[shares > LEFT_OUT].T, (0, 0, kept, 0))
    return torch.cat([first, rest], dim=1)
