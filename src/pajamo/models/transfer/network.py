"""One member of an ensemble: kinetic layer, context, and what each table makes of a cutting rate."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pajamo.data.assays.pairs.pairing import channels
from pajamo.models.transfer.context import Context
from pajamo.models.transfer.layer import KineticLayer
from pajamo.models.transfer.strength import PairStrength


class TransferNetwork(nn.Module):
    """log odds that a site is found = offset of the table + slope x log10 of the activity.

    terms = kinetic layer(pair) + bounded change(pair) + strength(guide), where the change is 0 for a matched target,
    the strength is that of the guide's own base pairs, and both are 0 at the start.

    Attributes
    ----------
    kinetics: the mechanism.
    context: what may change its terms; None where nothing may.
    strength: what a guide's own bases change of them; None where they change nothing.
    offsets: log odds of each table at activity 1, among all its sites, shape (tables,).
    log_slope: ln of the log odds that a ten times faster rate brings.
    """

    channels: Tensor

    def __init__(
        self,
        kinetics: KineticLayer,
        context: Context | None,
        tables: int,
        strength: PairStrength | None = None,
    ) -> None:
        super().__init__()
        self.kinetics, self.context, self.strength = kinetics, context, strength
        self.offsets = nn.Parameter(torch.zeros(tables))
        self.log_slope = nn.Parameter(torch.zeros(()))
        listed = torch.as_tensor(channels("kind"), dtype=torch.get_default_dtype())
        self.register_buffer("channels", listed, persistent=False)

    def switched(self, codes: Tensor) -> Tensor:
        """What differs at each position, shape (pairs, length x kinds)."""
        return self.channels[codes.long()].flatten(1)

    def terms(self, codes: Tensor) -> Tensor:
        """Terms of the mechanism as the context changes them, shape (pairs, terms)."""
        switched = self.switched(codes)
        terms: Tensor = self.kinetics(codes, switched)
        if self.context is not None:
            terms = terms + self.context(switched)
        return terms if self.strength is None else terms + self.strength(codes)

    def log10_activity(self, codes: Tensor) -> Tensor:
        """log10 of the activity in the unit of the mechanism's rates, shape (pairs,)."""
        return self.kinetics.log10_activity(self.terms(codes))

    def forward(self, codes: Tensor) -> Tensor:
        """Log odds without a table's offset, shape (pairs,); codes (pairs, length)."""
        return self.log_slope.exp() * self.log10_activity(codes)

    def matched(self, codes: Tensor | None = None) -> Tensor:
        """Terms of the matched target of each pair's guide, (pairs, terms); of a guide half G:C, (1, terms)."""
        nothing = torch.full((1, self.kinetics.length), len(self.channels) - 1)
        terms = self.terms(nothing)
        return terms if codes is None or self.strength is None else terms + self.strength(codes)
