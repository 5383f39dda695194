"""A multilayer map: layers on what differs at each position."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from pajamo.data.assays.pairs.pairing import CHANNELS, channels
from pajamo.encoders.sequence.encoder import LEVEL, SequenceEncoder


class MismatchNetwork(SequenceEncoder):
    """value = constant + network(what differs at each position), where a matched target has the constant.

    The network's value at the matched target is taken off, so that the constant stays the matched target's own.
    First layers start at random: from zeros, units that only rise (ReLU) would never learn.

    Attributes
    ----------
    constant: shape ().
    layers: weights and offsets of each layer.
    """

    channels: Tensor

    def __init__(self, length: int, changes: str, hidden: Sequence[int], *, sd: float = 3.0) -> None:
        super().__init__()
        self.length, self.changes, self.sd = length, changes, sd
        sizes = [length * len(CHANNELS[changes]), *hidden, 1]
        self.constant = nn.Parameter(torch.zeros(()))
        self.layers = nn.ModuleList(nn.Linear(one, other) for one, other in pairwise(sizes))
        table = torch.as_tensor(channels(changes), dtype=torch.get_default_dtype())
        self.register_buffer("channels", table, persistent=False)
        self.randomise(torch.Generator().manual_seed(0))

    def forward(self, codes: Tensor) -> Tensor:
        """Codes (pairs, length) to (pairs,)."""
        switched = self.channels[codes.long()].flatten(-2)
        matched = switched.new_zeros(1, switched.shape[-1])
        return self.constant + self._values(switched) - self._values(matched)

    def _values(self, switched: Tensor) -> Tensor:
        for layer in self.layers[:-1]:
            switched = torch.nn.functional.silu(layer(switched))
        value: Tensor = self.layers[-1](switched)[..., 0]
        return value

    def penalty(self) -> Tensor:
        """Gaussian priors under which each layer keeps the size of what it is given."""
        total = (self.constant / (LEVEL * self.sd)) ** 2
        for number, layer in enumerate(self.layers):
            scale = self.sd if number == len(self.layers) - 1 else math.sqrt(2.0)
            total = (
                total + (layer.weight**2).sum() * layer.in_features**0.5 / scale**2 + (layer.bias**2).sum()
            )
        return total / 2

    def randomise(self, generator: torch.Generator) -> None:
        """Weights that keep the size of what they are given."""
        self.constant.data.zero_()
        for layer in self.layers:
            drawn = torch.randn(layer.weight.shape, generator=generator, dtype=layer.weight.dtype)
            layer.weight.data = drawn / layer.in_features**0.5
            layer.bias.data.zero_()
