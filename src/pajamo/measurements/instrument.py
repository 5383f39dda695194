"""What the instrument does to a cell's state: capture, batch efficiency, ambient molecules, overdispersion.

    y_ig ~ NB(library_i * share_ig, dispersion_g)
    share_ig = (1 - ambient_b) kappa_bg mu_ig / sum_h kappa_bh mu_ih + ambient_b profile_bg

mu is the state: molecules of each gene in the cell, up to one factor for the whole cell. Everything else belongs
to the instrument, and never to the state. Cells are only seen through a share, so that a gene is missed ("dropout")
where library * kappa * mu is small, without a term of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pajamo.errors import DataError
from pajamo.measurements.counts import log_prob


@dataclass(frozen=True)
class Instrument:
    """The measurement operator of one screen.

    Attributes
    ----------
    efficiency: kappa, how well each gene's molecules are caught in each batch; positive, shape (batches, genes).
        One factor of a whole batch cancels in the share.
    ambient: share of a cell's library that comes from the surrounding fluid, 0 to below 1, shape (batches,).
    profile: what the fluid holds, shares that sum to 1 in each batch, shape (batches, genes).
    dispersion: squared coefficient of variation beyond Poisson noise, shape (genes,).
    empty: probability that a gene's reading is zero whatever the cell holds, shape (genes,); 0 for none.
    """

    efficiency: torch.Tensor
    ambient: torch.Tensor
    profile: torch.Tensor
    dispersion: torch.Tensor
    empty: torch.Tensor

    def __post_init__(self) -> None:
        _require(bool((self.efficiency > 0).all()), "an efficiency is not above zero", "efficiency")
        _require(bool(((self.ambient >= 0) & (self.ambient < 1)).all()), "not a share below 1", "ambient")
        sums = self.profile.sum(-1)
        _require(bool(((sums - 1).abs() < 1e-4).all()), "shares do not sum to 1 in each batch", "profile")
        _require(bool((self.dispersion >= 0).all()), "a dispersion is negative", "dispersion")
        _require(bool(((self.empty >= 0) & (self.empty < 1)).all()), "not a probability below 1", "empty")

    @classmethod
    def plain(cls, batches: int, dispersion: torch.Tensor) -> Instrument:
        """Equal efficiencies, nothing ambient, no extra zeros."""
        ones = dispersion.new_ones(batches, len(dispersion))
        none = torch.zeros_like(dispersion)
        return cls(ones, dispersion.new_zeros(batches), ones / len(dispersion), dispersion, none)

    def share(self, state: torch.Tensor, batch: torch.Tensor) -> torch.Tensor:
        """Share of the library that each gene has, shape (cells, genes); rows sum to 1.

        Parameters
        ----------
        state: mu, positive, any scale for each cell, shape (cells, genes).
        batch: index of each cell's batch, shape (cells,).
        """
        caught = self.efficiency[batch] * state
        own = caught / caught.sum(-1, keepdim=True)
        ambient = self.ambient[batch].unsqueeze(-1)
        return (1.0 - ambient) * own + ambient * self.profile[batch]

    def log_prob(
        self, counts: torch.Tensor, state: torch.Tensor, library: torch.Tensor, batch: torch.Tensor
    ) -> torch.Tensor:
        """Logarithm of the probability of each reading, shape (cells, genes); stable down to the Poisson limit.

        Parameters
        ----------
        counts: molecules counted, shape (cells, genes).
        state, batch: as in `share`.
        library: expected molecules of each cell over all genes, shape (cells,).
        """
        mean = library.unsqueeze(-1) * self.share(state, batch)
        # A state of zero has a mean of zero: no molecules for certain, which a logarithm cannot say with a gradient.
        mean = mean.clamp(min=torch.finfo(mean.dtype).tiny)
        counted = log_prob(counts, mean, self.dispersion)
        if not bool(self.empty.any()):
            return counted
        extra = torch.logaddexp(counted + torch.log1p(-self.empty), torch.log(self.empty).expand_as(counted))
        return torch.where(counts == 0, extra, counted + torch.log1p(-self.empty))

    def sample(
        self, state: torch.Tensor, library: torch.Tensor, batch: torch.Tensor, generator: torch.Generator
    ) -> torch.Tensor:
        """Draw readings, shape (cells, genes); arguments as in `log_prob`."""
        mean = library.unsqueeze(-1) * self.share(state, batch)
        over = (self.dispersion > 0).expand_as(mean)
        shape = 1.0 / torch.where(over, self.dispersion, torch.ones_like(mean))
        # torch's public gamma sampler takes no generator; the one behind it does.
        drawn = torch._standard_gamma(shape, generator=generator)
        rate = torch.where(over, drawn * mean / shape, mean)
        counts = torch.poisson(rate, generator=generator)
        missed = torch.rand(counts.shape, generator=generator, dtype=mean.dtype) < self.empty
        return torch.where(missed, torch.zeros_like(counts), counts)


def thin(counts: torch.Tensor, capture: torch.Tensor | float, generator: torch.Generator) -> torch.Tensor:
    """Keep each molecule with probability `capture`, as a library of lower depth would.

    Thinning Poisson counts of mean m gives Poisson counts of mean capture * m, and thinning NB(m, phi) gives
    exactly NB(capture * m, phi): the dispersion belongs to the cells, and capture does not change it.

    Raises
    ------
    DataError: a capture outside of 0 to 1.
    """
    chance = torch.as_tensor(capture, dtype=counts.dtype)
    _require(bool(((chance >= 0) & (chance <= 1)).all()), "not a probability", "capture")
    return torch.binomial(counts, chance.expand_as(counts).contiguous(), generator=generator)


def _require(holds: bool, what: str, where: str) -> None:
    if not holds:
        raise DataError(
            f"the instrument cannot be so: {what}",
            where=where,
            fix="check the values, or estimate them with pajamo.measurements.instrument_estimates",
        )
