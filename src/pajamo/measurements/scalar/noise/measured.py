"""Measured errors: each reading has a standard error of its own."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pajamo.measurements.scalar.measurement import Recorded
from pajamo.measurements.scalar.noise.noise import Noise


class MeasuredNoise(Noise):
    """value ~ Normal(centre, sqrt(error^2 + scale^2)).

    The error is that of the row, in the unit of the value, and is used as it is; the scale is what the errors leave
    unexplained (differences between cultures, and what the mechanism misses), and may depend on the centre.
    """

    def start(self, centre: Tensor, recorded: Recorded) -> None:
        """Half of the spread is first left to what the errors do not explain."""
        super().start(centre, recorded)
        with torch.no_grad():
            self.log_scale.base = self.log_scale.base - math.log(2.0)

    def log_density(self, centre: Tensor, recorded: Recorded) -> Tensor:
        """ln p(value) of each row."""
        log_variance = self._log_variance(centre, recorded)
        residual = recorded["value"] - centre
        return -(residual**2) * (-log_variance).exp() / 2 - log_variance / 2 - math.log(2 * math.pi) / 2

    def draw(self, centre: Tensor, recorded: Recorded, generator: torch.Generator) -> Tensor:
        """A reading for each row."""
        noise = torch.randn(centre.shape, generator=generator, dtype=centre.dtype)
        return centre + (self._log_variance(centre, recorded) / 2).exp() * noise

    def _log_variance(self, centre: Tensor, recorded: Recorded) -> Tensor:
        return (recorded["error"] ** 2 + (2 * self.log_scale(centre)).exp()).log()
