"""One sigmoid: a floor, a ceiling, and a rise between them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pajamo.measurements.scalar.nonlinearities.nonlinearity import Nonlinearity, weak

FIRST_STEEPNESS = 0.0
"""ln of the first steepness: the rise spans about the central nine tenths of the activities."""


class Sigmoid(Nonlinearity):
    """curve(u) = floor + height / (1 + exp(-steepness (u - middle))).

    The steepness is positive and so is the height where the mean must rise; else the height may be negative.

    Attributes
    ----------
    floor: the curve at low activity.
    height: ln of the rise if monotone, else the rise.
    log_steepness: ln of the steepness.
    middle: place of half of the rise.
    """

    def __init__(self, *, monotone: bool = True) -> None:
        super().__init__(monotone=monotone)
        for name in ("floor", "height", "log_steepness", "middle"):
            setattr(self, name, nn.Parameter(torch.zeros(())))
        with torch.no_grad():
            self.reset(1.0)

    def reset(self, sign: float) -> None:
        """The curve's first parameters."""
        rise = torch.tensor(4.0)
        self.floor.fill_(-sign * 2.0)
        self.height.copy_(rise.log() if self.monotone else sign * rise)
        self.log_steepness.fill_(FIRST_STEEPNESS)
        self.middle.zero_()

    def curve(self, place: Tensor) -> Tensor:
        """The standardised mean at standardised activities."""
        height = self.height.exp() if self.monotone else self.height
        return self.floor + height * torch.sigmoid(self.log_steepness.exp() * (place - self.middle))

    def penalty(self) -> Tensor:
        """Weak Gaussian priors."""
        height = weak(self.height, 0.0, 3.0 if self.monotone else 20.0)
        return (
            weak(self.floor, 0.0, 20.0)
            + height
            + weak(self.log_steepness, 0.0, 3.0)
            + weak(self.middle, 0.0, 20.0)
        )
