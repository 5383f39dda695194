"""What every nonlinearity is: the mean reading as a curve of the activity."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from pajamo.measurements.scalar.extent import extent


class Nonlinearity(nn.Module, ABC):
    """mean = level + unit * curve((activity - centre) / spread).

    The four numbers are set once, at the start of a fit, from the activities and the values, and are no parameters:
    they give every curve a scale on which its parameters are of order one and its prior is weak.

    Attributes
    ----------
    centre, spread: mean and standard deviation of the first activities.
    level, unit: mean and standard deviation of the recorded values.
    monotone: whether the mean can only rise with the activity.
    normalised: whether the activity may be handed over in units of its spread; not where its own scale matters.
    """

    normalised: bool = True

    centre: Tensor
    spread: Tensor
    level: Tensor
    unit: Tensor

    def __init__(self, *, monotone: bool = True) -> None:
        super().__init__()
        self.monotone = monotone
        for name, value in (("centre", 0.0), ("spread", 1.0), ("level", 0.0), ("unit", 1.0)):
            self.register_buffer(name, torch.tensor(value))

    def start(self, activity: Tensor, value: Tensor) -> None:
        """Lay the curve over these activities and values, rising (or as they correlate, if it may fall)."""
        self.centre, self.spread = extent(activity)
        self.level, self.unit = extent(value)
        together = ((activity - self.centre) * (value - self.level)).nansum()
        falls = not self.monotone and bool(together < 0)
        with torch.no_grad():
            self.reset(-1.0 if falls else 1.0)

    def follow(self, activity: Tensor) -> None:
        """Move knots along with these activities, the curve staying as it is; nothing where there are none."""

    @abstractmethod
    def reset(self, sign: float) -> None:
        """Set the curve's parameters to a slope of one over the central activities, times the sign."""

    @abstractmethod
    def curve(self, place: Tensor) -> Tensor:
        """The standardised mean at standardised activities, of any shape."""

    def forward(self, activity: Tensor) -> Tensor:
        """The mean reading at each activity, in the unit of the readings."""
        return self.level + self.unit * self.curve((activity - self.centre) / self.spread)

    @abstractmethod
    def penalty(self) -> Tensor:
        """Minus ln of the prior density of the curve's parameters, in nats, up to a constant."""


def weak(parameter: Tensor, mean: Tensor | float, sd: float) -> Tensor:
    """Minus ln of independent Gaussian priors, in nats, up to a constant."""
    return (((parameter - mean) / sd) ** 2).sum() / 2
