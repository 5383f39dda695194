"""One member of an ensemble: kinetic layer, context, and what each table makes of a cutting rate."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pajamo.data.assays.pairs.pairing import channels
from pajamo.models.transfer.context import Context
from pajamo.models.transfer.layer import KineticLayer


class TransferNetwork(nn.Module):
    """log odds that a site is found = offset of the table + slope x log10 of the activity.

    terms = kinetic layer(pair) + bounded change(pair), where the change is 0 for a matched target and at the start.

    Attributes
    ----------
    kinetics: the mechanism.
    context: what may change its terms; None where nothing may.
    offsets: log odds of each table at activity 1, among all its sites, shape (tables,).
    log_slope: ln of the log odds that a ten times faster rate brings.
    """

    channels: Tensor

    def __init__(self, kinetics: KineticLayer, context: Context | None, tables: int) -> None:
        super().__init__()
        self.kinetics, self.context = kinetics, context
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
        return terms if self.context is None else terms + self.context(switched)

    def log10_activity(self, codes: Tensor) -> Tensor:
        """log10 of the activity in the unit of the mechanism's rates, shape (pairs,)."""
        return self.kinetics.log10_activity(self.terms(codes))

    def forward(self, codes: Tensor) -> Tensor:
        """Log odds without a table's offset, shape (pairs,); codes (pairs, length)."""
        return self.log_slope.exp() * self.log10_activity(codes)

    def matched(self) -> Tensor:
        """Terms of a matched target, shape (1, terms)."""
        codes = torch.full((1, self.kinetics.length), len(self.channels) - 1)
        return self.terms(codes)
