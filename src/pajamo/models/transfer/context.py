"""What may change a mechanism's terms beyond what was measured in vitro: a bounded change, 0 at the start."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

DROPPED = 0.2
"""Share of the hidden units that are left out at random while a network learns."""


class Context(nn.Module):
    """change = bound tanh(raw / bound), with raw linear in what differs or a network's; none at a matched target.

    All starts at 0: the last weights are zeros, so that a new context changes nothing.

    Attributes
    ----------
    bound: greatest change of a term, in ln units (kT).
    layers: one for a linear map.
    """

    def __init__(self, features: int, terms: int, bound: float, hidden: Sequence[int] = ()) -> None:
        super().__init__()
        self.bound = bound
        sizes = [features, *hidden]
        self.layers = nn.ModuleList(nn.Linear(one, other) for one, other in pairwise(sizes))
        self.last = nn.Linear(sizes[-1], terms, bias=False)
        nn.init.zeros_(self.last.weight)

    def forward(self, switched: Tensor) -> Tensor:
        """What differs, shape (pairs, features), to the change of each term, (pairs, terms)."""
        raw = self._raw(switched)
        if self.layers:
            raw = raw - self._raw(torch.zeros_like(switched[:1]), dropping=False)
        return self.bound * torch.tanh(raw / self.bound)

    def _raw(self, switched: Tensor, dropping: bool = True) -> Tensor:
        for layer in self.layers:
            switched = torch.relu(layer(switched))
            switched = nn.functional.dropout(switched, DROPPED, self.training and dropping)
        raw: Tensor = self.last(switched)
        return raw

    def randomise(self, generator: torch.Generator) -> None:
        """Draw the hidden layers; the last stays at 0, so that nothing is changed yet."""
        for layer in self.layers:
            drawn = torch.randn(layer.weight.shape, generator=generator)
            layer.weight.data = drawn * (2 / layer.in_features) ** 0.5
            layer.bias.data.zero_()

    def penalty(self, sd: float) -> Tensor:
        """Minus ln of a Gaussian prior density of all weights, in nats, up to a constant."""
        weights = [layer.weight for layer in (*self.layers, self.last)]
        return sum(((weight / sd) ** 2).sum() for weight in weights) / 2
