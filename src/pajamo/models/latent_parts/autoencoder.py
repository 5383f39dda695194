"""A cell's state is its basal state, where its setting rests, and the shifts of its perturbations."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pajamo.encoders.cell import BasalEncoder
from pajamo.models.base import Array
from pajamo.models.latent_parts.decoder import Decoder
from pajamo.models.latent_parts.shifts import DenseShifts


@dataclass(frozen=True)
class Minibatch:
    """Some cells.

    Attributes
    ----------
    scores: along the axes, shape (cells, axes).
    members: which genes are perturbed, shape (cells, names).
    setting_of, batch_of: shape (cells,).
    """

    scores: torch.Tensor
    members: torch.Tensor
    setting_of: torch.Tensor
    batch_of: torch.Tensor

    def rows(self, rows: torch.Tensor) -> Minibatch:
        """Some of the cells."""
        return Minibatch(self.scores[rows], self.members[rows], self.setting_of[rows], self.batch_of[rows])


class Autoencoder(torch.nn.Module):
    """z = basal + place(setting) + sum over perturbed genes of shift; cells are decoded from z.

    The encoder sees what is left of a cell's scores when place and shift are taken off, so that its basal state
    knows nothing of the perturbation; and the prior of the basal state, the same for all, is what makes the
    shifts explain the rest. Without edges between axes this is the rest of dz = (b - z) dt + sqrt(2) dB.

    Parameters
    ----------
    encoder, decoder, shifts: the parts.
    places: where unperturbed cells of each setting lie, shape (settings, axes).
    batches: number of batches, whose scores may be offset.
    """

    def __init__(
        self, encoder: BasalEncoder, decoder: Decoder, shifts: DenseShifts, places: Array, batches: int
    ) -> None:
        super().__init__()
        self.encoder, self.decoder, self.shifts = encoder, decoder, shifts
        self.places = torch.nn.Parameter(torch.from_numpy(places.copy()))
        offsets = torch.zeros(batches if batches > 1 else 0, places.shape[1], dtype=torch.float64)
        self.offsets = torch.nn.Parameter(offsets)

    def basal(
        self, cells: Minibatch, shifts: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Where each cell's condition lies, and mean and variance of its basal state."""
        centre = self.places[cells.setting_of] + cells.members @ shifts
        seen = cells.scores - centre
        if len(self.offsets):
            seen = seen - (self.offsets - self.offsets.mean(dim=0))[cells.batch_of]
        mean, variance = self.encoder(seen)
        return centre, mean, variance

    def forward(self, cells: Minibatch, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Decoded cells at drawn states, shape (cells, genes), and the divergence of the states, (cells,)."""
        centre, mean, variance = self.basal(cells, self.shifts.drawn(generator))
        noise = torch.randn(mean.shape, generator=generator, dtype=torch.float64)
        state = centre + mean + variance.sqrt() * noise
        decoded = self.decoder(state, cells.members) + self.decoder.batch_effect(cells.batch_of)
        return decoded, self.encoder.divergence(mean, variance)
