"""From latent states to log rates (or to ln(1 + CP10K) where molecules were not counted)."""

from __future__ import annotations

import torch

from pajamo.models.base import Array


class Decoder(torch.nn.Module):
    """base + z W + tanh(z A) U + batch, and the own change of each cell's targets.

    An edit acts on the production of its target itself, which is no matter of cell state: each perturbed gene that
    was measured has one number for its own row. U starts at zero, so that the decoder starts linear.

    Parameters
    ----------
    base: shape (genes,).
    loadings: W, shape (axes, genes).
    own: own change of each perturbed gene, shape (names,).
    columns: where each perturbed gene was measured, -1 if nowhere, shape (names,).
    batches: number of batches; one has no effect.
    hidden: units of the nonlinear part.
    generator: from which A is drawn.
    """

    columns: torch.Tensor

    def __init__(
        self, base: Array, loadings: Array, own: Array, columns: torch.Tensor, batches: int, hidden: int,
        generator: torch.Generator,
    ) -> None:  # fmt: skip
        super().__init__()
        axes, genes = loadings.shape
        self.register_buffer("columns", columns)
        self.base = torch.nn.Parameter(torch.from_numpy(base.copy()))
        self.loadings = torch.nn.Parameter(torch.from_numpy(loadings.copy()))
        self.own = torch.nn.Parameter(torch.from_numpy(own.copy()))
        bend = torch.randn(axes, hidden, generator=generator, dtype=torch.float64) / (2.0 * axes**0.5)
        self.bend = torch.nn.Parameter(bend)
        self.curve = torch.nn.Parameter(torch.zeros(hidden, genes, dtype=torch.float64))
        self.batch = torch.nn.Parameter(
            torch.zeros(batches if batches > 1 else 0, genes, dtype=torch.float64)
        )

    def forward(self, state: torch.Tensor, members: torch.Tensor) -> torch.Tensor:
        """Log rate in the average batch, shape (cells, genes).

        Parameters
        ----------
        state: z, shape (cells, axes).
        members: which genes are perturbed in each cell, shape (cells, names).
        """
        decoded = self.base + state @ self.loadings + torch.tanh(state @ self.bend) @ self.curve
        rows, names = torch.nonzero(members, as_tuple=True)
        known = self.columns[names] >= 0
        rows, names = rows[known], names[known]
        return decoded.index_put((rows, self.columns[names]), self.own[names], accumulate=True)

    def batch_effect(self, batch_of: torch.Tensor) -> torch.Tensor | float:
        """Effect of each cell's batch, less the average batch's, shape (cells, genes); 0 for one batch."""
        if not len(self.batch):
            return 0.0
        return (self.batch - self.batch.mean(dim=0))[batch_of]
