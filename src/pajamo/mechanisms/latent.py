"""No mechanism: the sequence's number itself, which a measurement may see through any nonlinearity."""

from __future__ import annotations

from torch import Tensor, nn

from pajamo.mechanisms.activity import Activity


class LatentTrait(nn.Module):
    """Hands on the terms, one a trait (the additive and pairwise maps of Otwinowski 2018 and Tareen 2022)."""

    def forward(self, terms: Tensor, log_concentrations: Tensor | None = None) -> Activity:
        """terms (sequences, traits) to activities that may be negative."""
        del log_concentrations
        return Activity(terms, logarithmic=False)
