"""A map whose weights are products: what differs times where it is."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pajamo.data.assays.pairs.pairing import CHANNELS, channels
from pajamo.encoders.sequence.encoder import LEVEL, SMALL_START, SequenceEncoder


class FactorisedMap(SequenceEncoder):
    """value = constant + sum over positions of exp(place[p]) times kind[what differs at p].

    A mismatch keeps its kind's weight wherever it is, up to a factor of the position: few weights, and what is
    learned of a kind at one position holds at all. The factors are positive and have a geometric mean that their
    prior keeps at 1; one of them could otherwise be exchanged for the scale of the kinds.

    Attributes
    ----------
    constant: shape ().
    kind: weight of each channel, shape (channels,).
    place: ln of the factor of each position, shape (length,).
    """

    channels: Tensor

    def __init__(self, length: int, changes: str, *, sd: float = 3.0) -> None:
        super().__init__()
        self.length, self.changes, self.listed, self.sd = length, changes, CHANNELS[changes], sd
        self.constant = nn.Parameter(torch.zeros(()))
        self.kind = nn.Parameter(torch.zeros(len(self.listed)))
        self.place = nn.Parameter(torch.zeros(length))
        table = torch.as_tensor(channels(changes), dtype=torch.get_default_dtype())
        self.register_buffer("channels", table, persistent=False)

    @property
    def table(self) -> Tensor:
        """Weight of each channel at each position, shape (length, channels)."""
        return self.place.exp()[:, None] * self.kind

    def forward(self, codes: Tensor) -> Tensor:
        """One weight a position and code is looked up, and these are summed; codes (pairs, length) to (pairs,)."""
        weight_of_code = self.channels @ self.kind
        return self.constant + (self.place.exp() * weight_of_code[codes.long()]).sum(dim=-1)

    def penalty(self) -> Tensor:
        """Gaussian priors: of the kinds with `sd`, of ln factors with 1, of the constant wider."""
        kinds = ((self.kind / self.sd) ** 2).sum() + (self.place**2).sum()
        return (kinds + (self.constant / (LEVEL * self.sd)) ** 2) / 2

    def randomise(self, generator: torch.Generator) -> None:
        """Weak random weights; every position counts alike."""
        for parameter in (self.kind, self.place):
            drawn = torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
            parameter.data = SMALL_START * drawn
        self.constant.data.zero_()
