"""Layers of black-box encoders, each with a Gaussian prior from which its random starts are drawn."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

KEEPS_SIZE = math.sqrt(2.0)
"""Gain at which values keep their size from layer to layer (He et al. 2015, equation 10)."""


class Layer(nn.Module):
    """An affine map of several networks at once: (members, rows, inputs) to (members, rows, outputs).

    Attributes
    ----------
    weight: shape (members, inputs, outputs).
    bias: shape (members, 1, outputs).
    sd: standard deviation of the Gaussian prior of each weight and bias.
    """

    def __init__(self, members: int, inputs: int, outputs: int, *, sd: float) -> None:
        super().__init__()
        self.sd = sd
        self.weight = nn.Parameter(torch.zeros(members, inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(members, 1, outputs))

    def forward(self, values: Tensor) -> Tensor:
        """Each member maps its own rows."""
        return torch.baddbmm(self.bias, values, self.weight)


class LetterLayer(Layer):
    """A first layer: the sum of one row of a table for each letter, in place of a product with one-hot letters.

    Its inputs are the letters of each position, position by position: weight (members, positions x letters, outputs).
    """

    def forward(self, places: Tensor) -> Tensor:
        """Places in the table, Long (members, rows, active), to (members, rows, outputs).

        The place one past the end adds nothing.
        """
        members, inputs, outputs = self.weight.shape
        table = torch.nn.functional.pad(self.weight, (0, 0, 0, 1)).reshape(members * (inputs + 1), outputs)
        shifted = places + (inputs + 1) * torch.arange(members)[:, None, None]
        summed = torch.nn.functional.embedding_bag(shifted.flatten(0, 1), table, mode="sum")
        return summed.reshape(*places.shape[:2], outputs) + self.bias


def keeps_size(active: int) -> float:
    """Prior standard deviation of weights with so many inputs that are switched on."""
    return KEEPS_SIZE / math.sqrt(active)


def draw(layers: Iterable[Layer], generator: torch.Generator) -> None:
    """Draw the weights of a random start from their prior; biases start at 0."""
    for layer in layers:
        drawn = torch.randn(layer.weight.shape, generator=generator, dtype=layer.weight.dtype)
        layer.weight.data = layer.sd * drawn
        layer.bias.data.zero_()


def gaussian_penalty(layers: Iterable[Layer]) -> Tensor:
    """Minus ln of the prior density, in nats and up to a constant, of one member: the mean over members."""
    parts = [((x.weight**2).sum() + (x.bias**2).sum()) / (2 * x.sd**2 * len(x.weight)) for x in layers]
    return torch.stack(parts).sum()
