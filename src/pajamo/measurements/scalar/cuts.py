"""Sites that were found cut, or not: yes or no, where yes is rare."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from pajamo.measurements.scalar.extent import extent
from pajamo.measurements.scalar.measurement import Measurement, Recorded

LOOSE = 5.0
"""Standard deviation of the Gaussian prior on the common offset about its starting value, in log odds."""
STEPS = 80
"""Halvings of the interval in which the starting offset lies."""
WIDEST = 60.0
"""Log odds that no starting offset exceeds."""


class CutProbability(Measurement):
    """logit p(cut) = offset + guide's offset + slope (log10 k - centre).

    How much of a guide was delivered, and how deeply its sites were sequenced, shifts the odds of all its sites alike
    (King and Zeng 2001, Polit. Anal. 9:137, on rare events: a fitted offset absorbs how negatives were sampled). The
    slope is positive: what is cut faster is found more often. k is in the unit that the mechanism has, whose scale
    the offset takes up.

    Attributes
    ----------
    offset: log odds at the centre, of a guide that is not known.
    log_slope: ln of the slope, in log odds for a ten times faster rate.
    guide_offsets: of the guides of the training set, shape (guides,), with a Gaussian prior of unit standard
        deviation; empty where guides have none.
    centre: typical log10 k at the start.
    base: starting value of the offset.
    """

    normalised = False
    centre: Tensor
    base: Tensor

    def __init__(self, guides: int = 0) -> None:
        super().__init__()
        self.offset = nn.Parameter(torch.zeros(()))
        self.log_slope = nn.Parameter(torch.zeros(()))
        self.guide_offsets = nn.Parameter(torch.zeros(guides))
        self.register_buffer("centre", torch.zeros(()))
        self.register_buffer("base", torch.zeros(()))

    def start(self, activity: Tensor, recorded: Recorded) -> None:
        """Ten times the rate is e times the odds, and the mean probability is the share of sites that were cut."""
        self.centre, _ = extent(activity / math.log(10.0))
        share = (recorded["label"].sum() + 0.5) / (len(recorded["label"]) + 1)
        self.base = _offset_for(activity.detach() / math.log(10.0) - self.centre, share)
        with torch.no_grad():
            self.offset.copy_(self.base)
            self.log_slope.zero_()
            self.guide_offsets.zero_()

    def log_odds(self, activity: Tensor, recorded: Recorded) -> Tensor:
        """Log odds of each site, shape (rows,); without the guide's offset where the guide is not known."""
        odds = self.offset + self.log_slope.exp() * (activity / math.log(10.0) - self.centre)
        guide = recorded.get("guide")
        if guide is None or not len(self.guide_offsets):
            return odds
        known = (guide >= 0) & (guide < len(self.guide_offsets))
        place = torch.where(known, guide, 0.0).long()
        return odds + torch.where(known, self.guide_offsets[place], 0.0)

    def log_likelihood(self, activity: Tensor, recorded: Recorded) -> Tensor:
        """ln p of whether each site was cut."""
        sign = 2 * recorded["label"] - 1
        return torch.nn.functional.logsigmoid(sign * self.log_odds(activity, recorded))

    def penalty(self) -> Tensor:
        """Gaussian priors: weak for the common offset, of width 1 for the others."""
        return (
            ((self.offset - self.base) / LOOSE) ** 2 + self.log_slope**2 + (self.guide_offsets**2).sum()
        ) / 2

    def expected(self, activity: Tensor) -> Tensor:
        """Probability that a site is found cut, for a guide that is not known."""
        return torch.sigmoid(self.log_odds(activity, {}))

    def draw(self, activity: Tensor, recorded: Recorded, generator: torch.Generator) -> dict[str, Tensor]:
        """New labels of the same guides."""
        share = torch.sigmoid(self.log_odds(activity, recorded))
        drawn = torch.rand(share.shape, generator=generator, dtype=share.dtype)
        return {**recorded, "label": (drawn < share).to(activity.dtype)}

    def reads(self, recorded: Recorded) -> Tensor:
        """One observation a row."""
        return torch.ones_like(recorded["label"])


def _offset_for(place: Tensor, share: Tensor) -> Tensor:
    """The offset at which the mean of sigmoid(offset + place) is a share between 0 and 1."""
    low, high = share.new_tensor(-WIDEST), share.new_tensor(WIDEST)
    for _ in range(STEPS):
        middle = (low + high) / 2
        above = torch.sigmoid(middle + place).mean() > share
        low, high = torch.where(above, low, middle), torch.where(above, middle, high)
    return (low + high) / 2
