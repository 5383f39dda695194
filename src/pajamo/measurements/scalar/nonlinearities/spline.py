"""A natural cubic spline with knots over the activities: any smooth curve."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pajamo.measurements.scalar.extent import extent
from pajamo.measurements.scalar.nonlinearities.nonlinearity import Nonlinearity, weak

REACH = 3.0
"""Standard deviations about the mean activity over which the knots are laid."""
SMALLEST_STEP = 1e-6
"""Least slope, in standardised units, of a monotone spline whose knots are laid anew."""


class Spline(Nonlinearity):
    """A uniform cubic B-spline, straight beyond its ends; it rises wherever its coefficients do.

    Ramsay 1988 (a monotone spline is one whose coefficients rise); de Boor 1978 for the basis. The first two and the
    last two steps between coefficients are equal, so that the second derivative is zero at both ends and the straight
    continuations join with two continuous derivatives.

    Attributes
    ----------
    offset: first coefficient.
    steps: ln of the steps between coefficients if monotone, else the steps, in units of a slope of one; shape
        (knots - 1,).
    """

    def __init__(self, knots: int = 20, *, monotone: bool = True, roughness: float = 1.0) -> None:
        super().__init__(monotone=monotone)
        self.intervals, self.roughness = max(knots - 1, 1), roughness
        self.offset = nn.Parameter(torch.zeros(()))
        self.steps = nn.Parameter(torch.zeros(self.intervals))
        with torch.no_grad():
            self.reset(1.0)

    @property
    def _apart(self) -> float:
        return 2 * REACH / self.intervals

    def reset(self, sign: float) -> None:
        """The curve's first parameters."""
        self.steps.fill_(0.0 if self.monotone else sign)
        self.offset.fill_(-sign * (REACH + self._apart))

    def follow(self, activity: Tensor) -> None:
        """Lay the knots over these activities, and the curve through its own values there."""
        centre, spread = extent(activity)
        knots = torch.linspace(-REACH, REACH, self.intervals + 1, dtype=self.steps.dtype)
        with torch.no_grad():
            values = self.curve((centre + spread * knots - self.centre) / self.spread)
            steps = values.diff() / self._apart
            self.steps.copy_(steps.clamp(min=SMALLEST_STEP).log() if self.monotone else steps)
            self.offset.copy_(values[0] - steps[0] * self._apart)
        self.centre, self.spread = centre, spread

    def coefficients(self) -> Tensor:
        """Coefficients of the basis, shape (knots + 2,)."""
        steps = self.steps.exp() if self.monotone else self.steps
        steps = torch.cat([steps[:1], steps, steps[-1:]]) * self._apart
        return self.offset + torch.cat([steps.new_zeros(1), steps.cumsum(0)])

    def curve(self, place: Tensor) -> Tensor:
        """The standardised mean at standardised activities."""
        position = (place + REACH) / self._apart
        inside = position.clamp(0, self.intervals)
        left = inside.detach().floor().clamp(max=self.intervals - 1).long()
        c, x = self.coefficients(), inside - left
        near = [c[left + k] for k in range(4)]
        basis = [(1 - x) ** 3, 3 * x**3 - 6 * x**2 + 4, -3 * x**3 + 3 * x**2 + 3 * x + 1, x**3]
        value = torch.stack([a * b for a, b in zip(near, basis, strict=True)]).sum(0) / 6
        beyond = position - inside
        slope = torch.where(beyond > 0, c[-1] - c[-2], c[1] - c[0])
        return value + slope * beyond

    def penalty(self) -> Tensor:
        """Weak Gaussian priors."""
        level = weak(self.steps, 0.0, 5.0) + weak(self.offset, -REACH, 20.0)
        return level + self.roughness * (self.steps.diff() ** 2).sum() / 2
