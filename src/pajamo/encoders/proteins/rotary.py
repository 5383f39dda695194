"""Rotary positions: queries and keys are turned by angles that grow with their place in the protein."""

from __future__ import annotations

import torch
from torch import Tensor

BASE = 10_000.0


def turns(positions: Tensor, head_width: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the angles position * BASE^(-2 i / head_width), in 32 bits whatever the model computes in.

    Angles are computed for each pack and kept nowhere: a model that is made without memory (on the meta device) has
    no table that could stay empty.

    Parameters
    ----------
    positions: places of tokens in their proteins, shape (tokens,).
    head_width: dimensions of a head, even.

    Returns
    -------
    Cosines and sines, each of shape (tokens, 1, head_width / 2).

    Source: Su et al. 2021 (arXiv 2104.09864), equation 34, with the halves of a head as pairs.
    """
    steps = torch.arange(0, head_width, 2, dtype=torch.float32, device=positions.device)
    angles = positions.float()[:, None] * (1.0 / BASE ** (steps / head_width))
    return angles.cos()[:, None], angles.sin()[:, None]


def turned(heads: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Turn each pair (i, i + half) of a head's dimensions; shape (tokens, heads, head width), type kept."""
    first, second = heads.float().chunk(2, dim=-1)
    both = torch.cat((first * cosine - second * sine, second * cosine + first * sine), dim=-1)
    return both.to(heads.dtype)
