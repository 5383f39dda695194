"""A cell's state apart from what its perturbation did: scores of a cell to a Gaussian over basal states."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray


class BasalEncoder(torch.nn.Module):
    """q(basal | scores) = N(scores G + network(scores), diag(v)).

    G and v start where they are optimal for linear Gaussian cells: with variance `share` of each score being
    the state's and the rest the instrument's, G = share and v = share (1 - share). The network starts at zero.

    Parameters
    ----------
    share: part of the variance of each score that is the state's, in (0, 1), shape (axes,).
    hidden: units of the network.
    generator: from which its first layer is drawn.
    """

    share: torch.Tensor

    def __init__(self, share: NDArray[np.float64], hidden: int, generator: torch.Generator) -> None:
        super().__init__()
        axes = len(share)
        self.register_buffer("share", torch.from_numpy(share.copy()))
        self.gain = torch.nn.Parameter(torch.diag(self.share.clone()))
        first = torch.randn(axes, hidden, generator=generator, dtype=torch.float64) / axes**0.5
        self.first = torch.nn.Parameter(first)
        self.second = torch.nn.Parameter(torch.zeros(hidden, axes, dtype=torch.float64))
        self.log_variance = torch.nn.Parameter((self.share * (1.0 - self.share)).log())

    def forward(self, scores: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean, shape (cells, axes), and variance, shape (axes,), of each cell's basal state."""
        mean = scores @ self.gain + torch.tanh(scores @ self.first) @ self.second
        return mean, self.log_variance.exp()

    def divergence(self, mean: torch.Tensor, variance: torch.Tensor) -> torch.Tensor:
        """Kullback-Leibler divergence of q from the basal prior N(0, diag(share)), shape (cells,)."""
        ratio = variance / self.share
        return 0.5 * (mean**2 / self.share + ratio - 1.0 - ratio.log()).sum(dim=1)
