"""Coordinates of an encoder's weights without the directions that change no prediction.

At each position only differences between letters count. Moving along orthonormal contrasts of the letters keeps each
position's mean weight at its prior, which is where the prior alone would put it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pajamo.encoders.guides.steps import StepMap
from pajamo.encoders.sequence.additive import AdditiveEncoder
from pajamo.encoders.sequence.encoder import LinearEncoder


def contrasts(letters: int) -> Tensor:
    """Orthonormal columns that sum to zero (Helmert), shape (letters, letters - 1)."""
    columns = torch.zeros(letters, letters - 1, dtype=torch.float64)
    for k in range(1, letters):
        columns[:k, k - 1] = 1.0
        columns[k, k - 1] = -k
    return columns / columns.norm(dim=0)


def basis(encoder: LinearEncoder) -> Tensor:
    """Directions in which the weights may move, shape (features, directions), orthonormal."""
    if not isinstance(encoder, AdditiveEncoder):
        return torch.eye(len(encoder.weights), dtype=torch.float64)
    blocks = [contrasts(len(encoder.letters))] * encoder.length
    return torch.block_diag(torch.ones(1, 1, dtype=torch.float64), *blocks)


@torch.no_grad()
def fix_gauge(encoder: LinearEncoder) -> None:
    """Bring each position's mean weight to its prior, and what that takes into the constant.

    No whole window's value changes: random starts differ in what no data can tell, and this makes them agree.
    """
    if isinstance(encoder, AdditiveEncoder):
        beside = (encoder.weights - encoder.prior_mean)[1:].reshape(encoder.matrix.shape).mean(dim=1)
        encoder.matrix.sub_(beside[:, None])
        encoder.weights[0] += beside.sum()


def design(
    encoder: LinearEncoder, codes: Tensor, dtype: torch.dtype = torch.float32, part: int | None = None
) -> Tensor:
    """Change of the encoder's value (or of one part of it) along each direction, shape (rows, directions)."""
    if part is not None:
        assert isinstance(encoder, StepMap)
        return encoder.design_of(codes, part).to(dtype)
    if not isinstance(encoder, AdditiveEncoder):
        return encoder.design(codes).to(dtype)
    table = torch.nn.functional.pad(contrasts(len(encoder.letters)), (0, 0, 0, 1)).to(dtype)
    features = table[codes.long()].reshape(len(codes), -1)
    return torch.cat([features.new_ones(len(codes), 1), features], dim=1)
