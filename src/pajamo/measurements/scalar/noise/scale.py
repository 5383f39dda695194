"""A positive number that depends on the mean: the exponential of a polynomial (heteroskedasticity)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pajamo.measurements.scalar.extent import extent

REACH = 5.0
"""Standard deviations beyond which the polynomial's argument levels off, so that it cannot run away."""


class LogPolynomial(nn.Module):
    """ln of the number = base + sum over k of a_k w^k, w being the standardised mean.

    Tareen et al. 2022 (MAVE-NN), heteroskedastic noise. The standardised mean v enters as w = 5 tanh(v / 5): v itself
    over the recorded values, and bounded far from all of them.

    Attributes
    ----------
    coefficients: a, shape (order + 1,).
    level, unit: mean and standard deviation of the recorded values.
    base: ln of the number about which the coefficients' prior is centred.
    """

    level: Tensor
    unit: Tensor
    base: Tensor

    def __init__(self, order: int = 0) -> None:
        super().__init__()
        self.coefficients = nn.Parameter(torch.zeros(order + 1))
        for name, value in (("level", 0.0), ("unit", 1.0), ("base", 0.0)):
            self.register_buffer(name, torch.tensor(value))

    def start(self, value: Tensor, base: float | None = None) -> None:
        """Constant: ln of the values' spread, or the base given."""
        self.level, self.unit = extent(value)
        self.base = self.unit.log() if base is None else torch.full_like(self.unit, base)
        with torch.no_grad():
            self.coefficients.zero_()

    def forward(self, mean: Tensor) -> Tensor:
        """ln of the number at each mean, of the same shape."""
        place = REACH * torch.tanh((mean - self.level) / (self.unit * REACH))
        total = self.coefficients[-1].expand_as(place)
        for coefficient in reversed(self.coefficients[:-1].unbind()):
            total = coefficient + place * total
        return self.base + total

    def penalty(self) -> Tensor:
        """Gaussian priors: standard deviation 5 for the level, 1 for each power."""
        return (self.coefficients[0] / 5) ** 2 / 2 + (self.coefficients[1:] ** 2).sum() / 2
