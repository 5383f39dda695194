"""A continuous reading: a mean that depends on the activity, and noise about it."""

from __future__ import annotations

import torch
from torch import Tensor

from pajamo.measurements.scalar.measurement import Measurement, Recorded
from pajamo.measurements.scalar.noise.gaussian import GaussianNoise
from pajamo.measurements.scalar.noise.noise import Noise
from pajamo.measurements.scalar.nonlinearities.line import Line
from pajamo.measurements.scalar.nonlinearities.nonlinearity import Nonlinearity


class ContinuousReading(Measurement):
    """value ~ noise about nonlinearity(activity): global epistasis, one number a sequence.

    Otwinowski, McCandlish and Plotkin 2018; Tareen et al. 2022. Any nonlinearity goes with any noise.

    Attributes
    ----------
    nonlinearity: the centre of the readings as a curve of the activity.
    noise: their distribution about it.
    """

    def __init__(self, nonlinearity: Nonlinearity | None = None, noise: Noise | None = None) -> None:
        super().__init__()
        self.nonlinearity = Line() if nonlinearity is None else nonlinearity
        self.noise = GaussianNoise() if noise is None else noise
        self.normalised = self.nonlinearity.normalised

    def start(self, activity: Tensor, recorded: Recorded) -> None:
        """Lay the curve over the activities; the noise is as wide as the values."""
        self.nonlinearity.start(activity, recorded["value"])
        with torch.no_grad():
            self.noise.start(self.nonlinearity(activity), recorded)

    def follow(self, activity: Tensor) -> None:
        """Move the spline's knots along with these activities."""
        self.nonlinearity.follow(activity)

    def log_likelihood(self, activity: Tensor, recorded: Recorded) -> Tensor:
        """ln p(value) of each row."""
        return self.noise.log_density(self.nonlinearity(activity), recorded)

    def penalty(self) -> Tensor:
        """Weak Gaussian priors."""
        return self.nonlinearity.penalty() + self.noise.penalty()

    def expected(self, activity: Tensor) -> Tensor:
        """The mean reading; the median for Cauchy noise, which has no mean."""
        return self.noise.mean(self.nonlinearity(activity))

    def draw(self, activity: Tensor, recorded: Recorded, generator: torch.Generator) -> dict[str, Tensor]:
        """A new value for each row."""
        value = self.noise.draw(self.nonlinearity(activity), recorded, generator)
        return {**recorded, "value": value}

    def reads(self, recorded: Recorded) -> Tensor:
        """One reading a row."""
        return torch.ones_like(recorded["value"])
