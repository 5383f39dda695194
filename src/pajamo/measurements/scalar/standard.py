"""Distributions about 0 of unit scale that a recorded number may have: density, what lies below, draws."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pajamo.measurements.scalar.drawing import numpy_generator
from pajamo.measurements.scalar.normal import log_below

DEGREES = 4.0
"""Degrees of freedom of Student's distribution: heavy tails that have a variance, and a closed form."""


@dataclass(frozen=True)
class Standard:
    """A symmetric distribution of unit scale.

    Attributes
    ----------
    log_density: ln of the density at each place, of the same shape.
    log_below: ln of the probability below each place; with all derivatives finite however far out.
    shortfall: by how much a number falls short of each place on average, where one that exceeds it counts 0.
    draw: so many numbers, shape (numbers,), in double precision.
    """

    log_density: Callable[[Tensor], Tensor]
    log_below: Callable[[Tensor], Tensor]
    shortfall: Callable[[Tensor], Tensor]
    draw: Callable[[int, torch.Generator], Tensor]


def _normal_density(z: Tensor) -> Tensor:
    return -(z**2) / 2 - math.log(2 * math.pi) / 2


def _normal_shortfall(place: Tensor) -> Tensor:
    return place * log_below(place).exp() + _normal_density(place).exp()


def _normal_draw(number: int, generator: torch.Generator) -> Tensor:
    return torch.randn(number, generator=generator, dtype=torch.float64)


def _student_density(z: Tensor) -> Tensor:
    return math.log(3 / 8) - 2.5 * torch.log1p(z**2 / 4)


def _student_below(z: Tensor) -> Tensor:
    """F = (1 + u)^2 (2 - u) / 4 with u = z / sqrt(4 + z^2); for z below 0, 1 + u is found without a difference."""
    upper = torch.log1p(-_lower_tail(-z.clamp(min=0.0)).exp())
    return torch.where(z < 0, _lower_tail(z.clamp(max=0.0)), upper)


def _lower_tail(z: Tensor) -> Tensor:
    root = (4 + z**2).sqrt()
    return 2 * (math.log(4.0) - root.log() - (root - z).log()) + (2 - z / root).log() - math.log(4.0)


def _student_shortfall(place: Tensor) -> Tensor:
    tail = (DEGREES + place**2) / (DEGREES - 1) * _student_density(place).exp()
    return place * _student_below(place).exp() + tail


def _student_draw(number: int, generator: torch.Generator) -> Tensor:
    return torch.as_tensor(numpy_generator(generator).standard_t(DEGREES, size=number))


STANDARD = {
    "gaussian": Standard(_normal_density, log_below, _normal_shortfall, _normal_draw),
    "student": Standard(_student_density, _student_below, _student_shortfall, _student_draw),
}
"""Distributions by the name that a study gives them."""
