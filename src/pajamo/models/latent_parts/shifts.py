"""Latent shifts of perturbations: dense with a Gaussian prior, or sparse with relaxed Bernoulli masks."""

from __future__ import annotations

import torch

from pajamo.models.base import Array

TEMPERATURE = 0.5
"""Of the relaxed masks (Maddison et al. 2017, arXiv 1611.00712): lower is closer to 0 and 1, gradients noisier."""
RATE = 20.0
"""Steps of a mask's log odds relative to those of other weights: it must cross from doubt to certainty in one fit."""


class DenseShifts(torch.nn.Module):
    """shift ~ N(0, spread^2) for each perturbation and axis.

    Parameters
    ----------
    start: shape (names, axes).
    spread: prior standard deviation, shape (axes,).
    """

    spread: torch.Tensor

    def __init__(self, start: Array, spread: Array) -> None:
        super().__init__()
        self.register_buffer("spread", torch.from_numpy(spread.copy()))
        self.value = torch.nn.Parameter(torch.from_numpy(start.copy()))

    def drawn(self, generator: torch.Generator) -> torch.Tensor:
        """The shifts that a training step uses, shape (names, axes)."""
        del generator
        return self.value

    def expected(self) -> torch.Tensor:
        """Shifts that predictions use, shape (names, axes)."""
        return self.value

    def penalty(self) -> torch.Tensor:
        """Negative log prior, up to a constant."""
        return 0.5 * ((self.value / self.spread) ** 2).sum()


class MaskedShifts(DenseShifts):
    """shift * mask, with mask ~ Bernoulli(rate) for each perturbation and axis, relaxed while it is learned.

    Parameters
    ----------
    start, spread: as for dense shifts.
    rate: prior probability that a perturbation moves an axis.
    odds: log odds to start from, shape (names, axes).
    """

    def __init__(self, start: Array, spread: Array, rate: float, odds: Array) -> None:
        super().__init__(start, spread)
        self.rate = rate
        self.odds = torch.nn.Parameter(torch.from_numpy(odds / RATE))

    def probability(self) -> torch.Tensor:
        """Posterior probability that each perturbation moves each axis, shape (names, axes)."""
        return torch.sigmoid(RATE * self.odds)

    def drawn(self, generator: torch.Generator) -> torch.Tensor:
        """Shifts under masks drawn from the concrete distribution."""
        uniform = torch.rand(self.odds.shape, generator=generator, dtype=torch.float64).clamp(1e-9, 1 - 1e-9)
        noise = uniform.log() - (-uniform).log1p()
        return self.value * torch.sigmoid((RATE * self.odds + noise) / TEMPERATURE)

    def expected(self) -> torch.Tensor:
        """Shifts times the probability of their masks."""
        return self.value * self.probability()

    def penalty(self) -> torch.Tensor:
        """Negative log prior of the shifts, and the divergence of the masks from their prior."""
        odds, prior = RATE * self.odds, torch.logit(torch.tensor(self.rate, dtype=torch.float64))
        on = torch.sigmoid(odds)
        softplus = torch.nn.functional.softplus
        divergence = on * (odds - prior) - softplus(odds) + softplus(prior)
        return super().penalty() + divergence.sum()
