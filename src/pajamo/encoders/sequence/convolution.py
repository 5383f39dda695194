"""A black box that looks for motifs: filters along the sequence, pooled, then layers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from pajamo.encoders.sequence.black_box import MEMBERS, BlackBoxEncoder
from pajamo.encoders.sequence.encoder import letter_places
from pajamo.encoders.sequence.layers import Layer, LetterLayer, keeps_size
from pajamo.encoders.sequence.network import Head

WIDTH = 7
"""Positions that a filter sees: about the core of a motif."""
POOL = 4
"""Neighbouring positions whose filter values are averaged."""


class ConvolutionEncoder(BlackBoxEncoder):
    """Filters that slide along the window, averages over neighbouring positions, and layers on these.

    The same filter reads every position, so that a motif learned at one place is known at all; averages over `pool`
    positions keep roughly where it was. Positions beyond the end of a shorter sequence count as no value.
    """

    def __init__(
        self,
        length: int,
        letters: str,
        hidden: Sequence[int] = (64, 64),
        *,
        sd: float = 10.0,
        members: int = MEMBERS,
        width: int = WIDTH,
        pool: int = POOL,
    ) -> None:
        """`hidden` are the number of filters, and the sizes of the layers that follow."""
        super().__init__(members)
        self.letters, self.width, self.pool = letters, min(width, length), pool
        blocks = -(-length // pool)
        self.filters = LetterLayer(
            members, self.width * len(letters), hidden[0], sd=keeps_size(self.width + 1)
        )
        sizes = hidden[1:] or hidden
        self.mixing = Layer(members, blocks * hidden[0], sizes[0], sd=keeps_size(blocks * hidden[0]))
        self.head = Head(members, sizes, sd=sd)
        self.randomise(torch.Generator().manual_seed(0))

    def values(self, codes: Tensor) -> Tensor:
        """What each member reads."""
        pooled = self._pooled(torch.nn.functional.silu(self._filtered(codes)), codes)
        return self.head(self.mixing(pooled))

    def _filtered(self, codes: Tensor) -> Tensor:
        """Value of each filter about each position, shape (members, rows, length, filters)."""
        before = (self.width - 1) // 2
        around = torch.nn.functional.pad(codes, (before, self.width - 1 - before), value=len(self.letters))
        windows = around.unfold(2, self.width, 1)
        places = letter_places(windows, len(self.letters), 0, self.width * len(self.letters))
        return self.filters(places.flatten(1, 2)).unflatten(1, codes.shape[1:])

    def _pooled(self, values: Tensor, codes: Tensor) -> Tensor:
        """Averages over `pool` positions, side by side, shape (members, rows, blocks x filters)."""
        present = values * (codes < len(self.letters))[..., None]
        short = -codes.shape[2] % self.pool
        filled = torch.nn.functional.pad(present, (0, 0, 0, short))
        return filled.unflatten(2, (-1, self.pool)).mean(dim=3).flatten(2)
