"""A black box that sees the whole window: layers of smooth units between letters and value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from pajamo.encoders.sequence.black_box import MEMBERS, BlackBoxEncoder
from pajamo.encoders.sequence.encoder import letter_places
from pajamo.encoders.sequence.layers import Layer, LetterLayer, keeps_size


class NetworkEncoder(BlackBoxEncoder):
    """A multilayer network on letters and positions; any interaction between positions.

    Hidden layers have weights whose prior keeps the size of values; the last one's gives values a standard deviation
    of about `sd`. The first layer adds up rows of a table, so its cost does not depend on the number of letters.
    """

    def __init__(
        self,
        length: int,
        letters: str,
        hidden: Sequence[int] = (64, 64),
        *,
        sd: float = 10.0,
        members: int = MEMBERS,
    ) -> None:
        """`hidden` are the sizes of the hidden layers, at least one."""
        super().__init__(members)
        self.length, self.letters = length, letters
        self.first = LetterLayer(members, length * len(letters), hidden[0], sd=keeps_size(length + 1))
        self.head = Head(members, hidden, sd=sd)
        self.randomise(torch.Generator().manual_seed(0))

    def values(self, codes: Tensor) -> Tensor:
        """What each member reads."""
        places = letter_places(codes, len(self.letters), 0, self.length * len(self.letters))
        return self.head(self.first(places))


class Head(nn.Module):
    """Hidden layers from the first one's values to one number: (members, rows, hidden[0]) to (members, rows)."""

    def __init__(self, members: int, hidden: Sequence[int], *, sd: float) -> None:
        super().__init__()
        sizes = pairwise(hidden)
        self.deeper = nn.ModuleList(Layer(members, a, b, sd=keeps_size(a)) for a, b in sizes)
        self.last = Layer(members, hidden[-1], 1, sd=sd / math.sqrt(hidden[-1]))

    def forward(self, values: Tensor) -> Tensor:
        """Smooth units (SiLU) before each layer."""
        for layer in [*self.deeper, self.last]:
            values = layer(torch.nn.functional.silu(values))
        return values[..., 0]
