"""Gaussian noise."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pajamo.measurements.scalar.measurement import Recorded
from pajamo.measurements.scalar.noise.noise import Noise


class GaussianNoise(Noise):
    """value ~ Normal(centre, scale)."""

    def log_density(self, centre: Tensor, recorded: Recorded) -> Tensor:
        """ln p(value) of each row."""
        log_scale = self.log_scale(centre)
        score = (recorded["value"] - centre) * (-log_scale).exp()
        return -(score**2) / 2 - log_scale - math.log(2 * math.pi) / 2

    def draw(self, centre: Tensor, recorded: Recorded, generator: torch.Generator) -> Tensor:
        """A reading for each row."""
        del recorded
        noise = torch.randn(centre.shape, generator=generator, dtype=centre.dtype)
        return centre + self.log_scale(centre).exp() * noise
