"""ln of normal probabilities, with every derivative finite however far out."""

from __future__ import annotations

import math

import torch
from torch import Tensor

SMALLEST = 1e-12
"""Least ratio, in ln, of the probabilities below an interval's two ends; narrower ones count as this wide."""


def log_below(z: Tensor) -> Tensor:
    """ln of the standard normal distribution function.

    Through the scaled complementary error function in the lower tail: differentiating torch's own log_ndtr twice
    gives no number in the upper one.
    """
    low = z.clamp(max=-1.0)
    tail = torch.special.erfcx(-low / math.sqrt(2)).log() - math.log(2) - low**2 / 2
    body = torch.log1p(-torch.special.erfc(z.clamp(min=-1.0) / math.sqrt(2)) / 2)
    return torch.where(z < -1.0, tail, body)


def log_between(low: Tensor, high: Tensor) -> Tensor:
    """ln of the probability between two values, low < high, of a standard normal variable.

    The interval is mirrored to the side of the lower tail, where ln of the difference of two small numbers is exact.
    """
    mirrored = low + high > 0
    below = torch.where(mirrored, -high, low)
    above = torch.where(mirrored, -low, high)
    top = log_below(above)
    ratio = (top - log_below(below)).clamp(min=SMALLEST)
    return top + torch.log(-torch.expm1(-ratio))
