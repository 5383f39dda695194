"""Cauchy noise: most readings are close, a few are anywhere."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pajamo.measurements.scalar.measurement import Recorded
from pajamo.measurements.scalar.noise.noise import Noise


class CauchyNoise(Noise):
    """value ~ Cauchy(centre, scale); it has no mean, and what is expected of it is its median, the centre."""

    def log_density(self, centre: Tensor, recorded: Recorded) -> Tensor:
        """ln p(value) of each row."""
        log_scale = self.log_scale(centre)
        score = (recorded["value"] - centre) * (-log_scale).exp()
        return -torch.log1p(score**2) - log_scale - math.log(math.pi)

    def draw(self, centre: Tensor, recorded: Recorded, generator: torch.Generator) -> Tensor:
        """A reading for each row."""
        del recorded
        share = torch.rand(centre.shape, generator=generator, dtype=centre.dtype)
        return centre + self.log_scale(centre).exp() * torch.tan(math.pi * (share - 0.5))
