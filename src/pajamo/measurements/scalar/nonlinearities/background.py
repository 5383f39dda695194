"""The logarithm of an activity above a background: log enrichment with nonspecific binding."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from pajamo.measurements.scalar.nonlinearities.nonlinearity import Nonlinearity, weak

FIRST_BACKGROUND = -2.0
"""ln of the background relative to the typical activity, at the start and about which its prior lies."""


class LogAboveBackground(Nonlinearity):
    """mean = level + unit * (offset + slope * ln(activity + background)), with the activity given as its logarithm.

    What is selected or glows without being active (nonspecific binding, autofluorescence) adds to what is; the slope
    is the base of the recorded logarithm (1 / ln 2 for log2, over the unit), free because amplification and
    saturation change it.

    Attributes
    ----------
    offset: of the mean.
    steepness: ln of the slope if monotone, else the slope.
    log_background: ln of the background, relative to exp(centre).
    """

    normalised = False

    def __init__(self, *, monotone: bool = True) -> None:
        super().__init__(monotone=monotone)
        for name in ("offset", "steepness", "log_background"):
            setattr(self, name, nn.Parameter(torch.zeros(())))
        with torch.no_grad():
            self.reset(1.0)

    def start(self, activity: Tensor, value: Tensor) -> None:
        """As every curve, but the activity keeps its own scale: that of a natural logarithm."""
        super().start(activity, value)
        self.spread = torch.ones_like(self.spread)

    def reset(self, sign: float) -> None:
        """The curve's first parameters."""
        self.offset.zero_()
        self.steepness.fill_(0.0 if self.monotone else sign)
        self.log_background.fill_(FIRST_BACKGROUND)

    def curve(self, place: Tensor) -> Tensor:
        """The standardised mean at standardised activities."""
        slope = self.steepness.exp() if self.monotone else self.steepness
        return self.offset + slope * (self.log_background + softplus(place - self.log_background))

    def penalty(self) -> Tensor:
        """Weak Gaussian priors."""
        slope = weak(self.steepness, 0.0, 5.0 if self.monotone else 10.0)
        return weak(self.offset, 0.0, 20.0) + slope + weak(self.log_background, FIRST_BACKGROUND, 5.0)
