"""A straight line: the reading is proportional to the activity, above an offset."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pajamo.measurements.scalar.nonlinearities.nonlinearity import Nonlinearity, weak


class Line(Nonlinearity):
    """curve(u) = offset + slope * u, with slope = exp(steepness) where the mean must rise.

    Attributes
    ----------
    offset: of the curve.
    steepness: ln of the slope if monotone, else the slope.
    """

    def __init__(self, *, monotone: bool = True) -> None:
        super().__init__(monotone=monotone)
        self.offset = nn.Parameter(torch.zeros(()))
        self.steepness = nn.Parameter(torch.tensor(0.0 if monotone else 1.0))

    def reset(self, sign: float) -> None:
        """The curve's first parameters."""
        self.offset.zero_()
        self.steepness.fill_(0.0 if self.monotone else sign)

    def curve(self, place: Tensor) -> Tensor:
        """The standardised mean at standardised activities."""
        slope = self.steepness.exp() if self.monotone else self.steepness
        return self.offset + slope * place

    def penalty(self) -> Tensor:
        """Weak Gaussian priors."""
        return weak(self.offset, 0.0, 10.0) + weak(self.steepness, 0.0, 5.0)
