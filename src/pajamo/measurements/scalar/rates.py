"""Rates, some of them slower or faster than the instrument can resolve: a censored likelihood."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from pajamo.measurements.scalar.extent import extent
from pajamo.measurements.scalar.measurement import Measurement, Recorded
from pajamo.measurements.scalar.standard import STANDARD

LOOSE = 2.0
"""Standard deviation of the Gaussian prior on ln of the scale about its starting value."""


SOFT = 0.3
"""log10 units over which a clipped prediction comes to a limit: a hard one would leave nothing to learn from."""


class LogRate(Measurement):
    """log10 k ~ centre + s noise, of which only a limit is known where it lies beyond.

    Tobin 1958 (Econometrica 26:24). The centre is log10 of the rate that the mechanism says, in 1/s: the activity is
    its natural logarithm, and keeps its scale. s^2 = error^2 + scale^2, where the error is that of the row and the
    scale what the errors leave unexplained. A row that is censored counts with the probability of lying beyond its
    recorded value.

    Attributes
    ----------
    log_scale: ln of the scale, in log10 units.
    base: its starting value, about which its prior lies.
    lower, upper: log10 of the slowest and of the fastest rate that can be resolved, in 1/s; None without a limit.
    """

    normalised = False
    base: Tensor

    def __init__(
        self,
        noise: str = "gaussian",
        *,
        lower: float | None = None,
        upper: float | None = None,
        clipped: bool = False,
    ) -> None:
        """`noise`: "gaussian", or "student" with its heavier tails (4 degrees of freedom).

        `clipped`: readings at a limit count as that value, and what is predicted beyond is set to it, softly: the
        convention of published fits (Zhang et al. 2023 set predictions to the limits), for comparison.
        """
        super().__init__()
        self.noise, self.lower, self.upper, self.clipped = STANDARD[noise], lower, upper, clipped
        self.log_scale = nn.Parameter(torch.zeros(()))
        self.register_buffer("base", torch.zeros(()))

    def start(self, activity: Tensor, recorded: Recorded) -> None:
        """The spread of what was resolved: nothing is explained yet. Half of it, where errors explain some."""
        del activity
        resolved = recorded["value"][recorded["censored"] == 0]
        spread = extent(resolved)[1] / (2.0 if "error" in recorded else 1.0)
        self.base = spread.log()
        with torch.no_grad():
            self.log_scale.copy_(self.base)

    def log_likelihood(self, activity: Tensor, recorded: Recorded) -> Tensor:
        """ln of the density of log10 k of each row, or of the probability beyond the limit; shape (rows,)."""
        log_spread, censored = self._log_spread(recorded), recorded["censored"]
        if self.clipped:
            left = recorded["value"] - self._within(activity, torch.full_like(self.log_scale, SOFT))
            return self.noise.log_density(left * (-log_spread).exp()) - log_spread
        z = (recorded["value"] - self.expected(activity)) * (-log_spread).exp()
        resolved = censored == 0
        beyond = self.noise.log_below(torch.where(resolved, 0.0, -censored * z))
        density = self.noise.log_density(torch.where(resolved, z, 0.0)) - log_spread
        return torch.where(resolved, density, beyond)

    def penalty(self) -> Tensor:
        """A weak Gaussian prior on ln of the scale."""
        return ((self.log_scale - self.base) / LOOSE) ** 2 / 2

    def expected(self, activity: Tensor) -> Tensor:
        """log10 of the rate in 1/s, whether or not the instrument could resolve it."""
        return activity / math.log(10.0)

    def expected_recorded(self, activity: Tensor) -> Tensor:
        """Mean of what would be written down, in log10 1/s: readings beyond a limit are written as the limit.

        Noise brings some readings of a rate near a limit back into the range, so that the mean is never quite there.
        """
        return self._within(activity, self.log_scale.exp())

    def _within(self, activity: Tensor, scale: Tensor) -> Tensor:
        """Mean of readings with noise of a scale, where those beyond a limit become the limit."""
        mean = self.expected(activity)
        total = mean
        if self.lower is not None:
            total = total + scale * self.noise.shortfall((self.lower - mean) / scale)
        if self.upper is not None:
            total = total - scale * self.noise.shortfall((mean - self.upper) / scale)
        return total

    def draw(self, activity: Tensor, recorded: Recorded, generator: torch.Generator) -> dict[str, Tensor]:
        """New values with the errors that `recorded` had; those beyond a limit become the limit, and are censored."""
        drawn = self.noise.draw(len(activity), generator).to(activity.dtype)
        value = self.expected(activity) + self._log_spread(recorded).exp() * drawn
        above, below = (value >= self._most).to(value.dtype), (value <= self._least).to(value.dtype)
        return {**recorded, "value": value.clamp(self._least, self._most), "censored": above - below}

    def reads(self, recorded: Recorded) -> Tensor:
        """One reading a row."""
        return torch.ones_like(recorded["value"])

    @property
    def _least(self) -> float:
        return -math.inf if self.lower is None else self.lower

    @property
    def _most(self) -> float:
        return math.inf if self.upper is None else self.upper

    def _log_spread(self, recorded: Recorded) -> Tensor:
        if "error" not in recorded:
            return self.log_scale
        return (recorded["error"] ** 2 + (2 * self.log_scale).exp()).log() / 2
