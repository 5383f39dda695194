"""A sum of hyperbolic tangents: the global epistasis of MAVE-NN."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from pajamo.measurements.scalar.nonlinearities.nonlinearity import Nonlinearity, weak

REACH = 2.5
"""Standard deviations about the mean activity over which the terms' middles are laid."""


class SumOfTanh(Nonlinearity):
    """curve(u) = offset + sum over k of b_k tanh(c_k (u - m_k)), with every c positive.

    Tareen et al. 2022 (MAVE-NN), equation for the GE nonlinearity, written with the middles m_k = -d_k / c_k. Every
    b is positive where the mean must rise. Terms start side by side, so that their sum is nearly straight and no two
    of them are alike.

    Attributes
    ----------
    offset: of the sum.
    heights: ln of b if monotone, else b; shape (terms,).
    log_steepness: ln of c, shape (terms,).
    middles: m, shape (terms,).
    """

    first_middles: Tensor

    def __init__(self, terms: int = 20, *, monotone: bool = True) -> None:
        super().__init__(monotone=monotone)
        middles = torch.linspace(-REACH, REACH, terms) if terms > 1 else torch.zeros(1)
        self.register_buffer("first_middles", middles, persistent=False)
        self.offset = nn.Parameter(torch.zeros(()))
        for name in ("heights", "log_steepness", "middles"):
            setattr(self, name, nn.Parameter(torch.zeros(terms)))
        with torch.no_grad():
            self.reset(1.0)

    @property
    def _first(self) -> tuple[float, float]:
        """Height and steepness of each term at the start: neighbours overlap, the slope of the sum is one."""
        apart = 2 * REACH / max(len(self.middles) - 1, 1)
        return apart / 2, 1 / apart

    def reset(self, sign: float) -> None:
        """The curve's first parameters."""
        height, steepness = self._first
        self.offset.zero_()
        self.heights.fill_(math.log(height) if self.monotone else sign * height)
        self.log_steepness.fill_(math.log(steepness))
        self.middles.copy_(self.first_middles)

    def curve(self, place: Tensor) -> Tensor:
        """The standardised mean at standardised activities."""
        heights = self.heights.exp() if self.monotone else self.heights
        waves = torch.tanh(self.log_steepness.exp() * (place[..., None] - self.middles))
        return self.offset + waves @ heights

    def penalty(self) -> Tensor:
        """Weak Gaussian priors."""
        height, steepness = self._first
        mean = math.log(height) if self.monotone else 0.0
        return (
            weak(self.offset, 0.0, 10.0)
            + weak(self.heights, mean, 2.0)
            + weak(self.log_steepness, math.log(steepness), 1.0)
            + weak(self.middles, self.first_middles, 2.0)
        )
