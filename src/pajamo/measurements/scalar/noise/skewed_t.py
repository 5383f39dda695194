"""Skewed Student's t: two tails, each with a weight of its own."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pajamo.measurements.scalar.drawing import numpy_generator
from pajamo.measurements.scalar.measurement import Recorded
from pajamo.measurements.scalar.noise.noise import Noise
from pajamo.measurements.scalar.noise.scale import LogPolynomial

FIRST_TAIL = 3.0
"""Both tails at the start: a = b = 4, Student's t with 8 degrees of freedom."""


class SkewedTNoise(Noise):
    """value = centre + scale (t - mode), with t of the skewed t distribution of Jones and Faddy (2003).

    The centre is the most probable value, as in MAVE-NN (Tareen et al. 2022). The tails a (upper) and b (lower) are
    1 + exp(polynomial in the centre), so that mean and variance exist: where noise is heavier still, use Cauchy.
    ln p(t) = (1 - a - b) ln 2 - ln(a + b) / 2 - ln B(a, b) + (a + 1/2) ln(1 + t/r) + (b + 1/2) ln(1 - t/r), with
    r^2 = a + b + t^2. The last two are taken through arsinh, which cancels nothing in either tail.

    Attributes
    ----------
    log_upper, log_lower: ln(a - 1) and ln(b - 1) as polynomials in the centre; the greater, the lighter the tail.
    """

    def __init__(self, order: int = 0) -> None:
        super().__init__(order)
        self.log_upper, self.log_lower = LogPolynomial(order), LogPolynomial(order)

    def start(self, centre: Tensor, recorded: Recorded) -> None:
        """Nothing is explained yet; both tails are light."""
        super().start(centre, recorded)
        for tail in (self.log_upper, self.log_lower):
            tail.start(recorded["value"], base=math.log(FIRST_TAIL))

    def tails(self, centre: Tensor) -> tuple[Tensor, Tensor]:
        """a and b at each centre."""
        return 1 + self.log_upper(centre).exp(), 1 + self.log_lower(centre).exp()

    def log_density(self, centre: Tensor, recorded: Recorded) -> Tensor:
        """ln p(value) of each row."""
        log_scale = self.log_scale(centre)
        a, b = self.tails(centre)
        t = mode(a, b) + (recorded["value"] - centre) * (-log_scale).exp()
        return log_skewed_t(t, a, b) - log_scale

    def mean(self, centre: Tensor) -> Tensor:
        """Jones and Faddy 2003, equation for the first moment."""
        a, b = self.tails(centre)
        ratio = torch.lgamma(a - 0.5) - torch.lgamma(a) + torch.lgamma(b - 0.5) - torch.lgamma(b)
        first = (a - b) * (a + b).sqrt() / 2 * ratio.exp()
        return centre + self.log_scale(centre).exp() * (first - mode(a, b))

    def draw(self, centre: Tensor, recorded: Recorded, generator: torch.Generator) -> Tensor:
        """With B of the beta distribution, t = sqrt(a + b) (2 B - 1) / (2 sqrt(B (1 - B)))."""
        del recorded
        a, b = (tail.detach() for tail in self.tails(centre))
        random = numpy_generator(generator)
        up, down = (torch.as_tensor(random.standard_gamma(tail.numpy())) for tail in (a, b))
        t = (a + b).sqrt() * (up - down) / (2 * (up * down).sqrt())
        return centre + self.log_scale(centre).exp() * (t - mode(a, b)).to(centre.dtype)

    def penalty(self) -> Tensor:
        """Weak Gaussian priors."""
        return super().penalty() + self.log_upper.penalty() + self.log_lower.penalty()


def mode(a: Tensor, b: Tensor) -> Tensor:
    """The most probable t."""
    return (a - b) * (a + b).sqrt() / ((2 * a + 1).sqrt() * (2 * b + 1).sqrt())


def log_skewed_t(t: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """ln of the density of Jones and Faddy (2003), of any shape."""
    total = a + b
    height = torch.asinh(t / total.sqrt())
    # ln of sqrt(a + b) / r, which both tails share.
    narrow = -torch.log1p(t**2 / total) / 2
    log_beta = torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(total)
    constant = (1 - total) * math.log(2) - total.log() / 2 - log_beta
    return constant + (a + 0.5) * (narrow + height) + (b + 0.5) * (narrow - height)
