"""Effects that travel along a network hop by hop, each hop switched on with time (RENGE)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from pajamo.data.conditions import Condition


@dataclass(frozen=True)
class Inputs:
    """Perturbed genes of a batch of conditions, one row for each gene of each condition.

    Attributes
    ----------
    condition: to which condition a row belongs, shape (rows,).
    regulator: position of its gene among the regulators, shape (rows,).
    named: position of its gene among those perturbed in training, -1 for others, shape (rows,).
    strength: change of the gene's activity, shape (rows,).
    time: of its condition, in units of the training times' span around their middle, shape (rows,).
    mask: 0 at the genes that a condition perturbs, shape (conditions, genes).
    """

    condition: torch.Tensor
    regulator: torch.Tensor
    named: torch.Tensor
    strength: torch.Tensor
    time: torch.Tensor
    mask: torch.Tensor

    @classmethod
    def of(
        cls,
        conditions: Sequence[Condition],
        genes: Mapping[str, int],
        regulators: Mapping[str, int],
        names: Mapping[str, int],
        strength: Mapping[str, float],
        times: tuple[float, float],
    ) -> Inputs:
        """Rows of the given conditions; a gene that is no regulator gives none."""
        middle, span = times
        mask = torch.ones(len(conditions), len(genes), dtype=torch.float64)
        for row, condition in enumerate(conditions):
            mask[row, [genes[g] for g in condition.genes if g in genes]] = 0.0
        rows = [(i, gene) for i, c in enumerate(conditions) for gene in c.genes if gene in regulators]
        return cls(
            torch.tensor([i for i, _ in rows], dtype=torch.long),
            torch.tensor([regulators[gene] for _, gene in rows], dtype=torch.long),
            torch.tensor([names.get(gene, -1) for _, gene in rows], dtype=torch.long),
            torch.tensor([strength[gene] for _, gene in rows], dtype=torch.float64),
            torch.tensor([(conditions[i].time - middle) / span for i, _ in rows], dtype=torch.float64),
            mask,
        )


class NetworkHops(torch.nn.Module):
    """Delta(A, t) = sum over a in A, k < hops of w_a(t, k) A (M A)^k X_a, w = logistic(alpha_a + beta t - gamma k).

    M masks perturbed genes, which no longer answer to their regulators (Ishikawa et al. 2023, Commun. Biol.
    6:1290, eqs. 1 and 2). Several members, which share nothing, are fitted side by side.

    Parameters
    ----------
    members: how many.
    genes: number of genes.
    regulators: position of each regulator among the genes, shape (regulators,).
    names: number of genes perturbed in training, each with its own delay alpha.
    settings: number of settings, each with an error of its control's mean.
    hops: longest path.
    """

    def __init__(
        self, members: int, genes: int, regulators: torch.Tensor, names: int, settings: int, hops: int
    ) -> None:
        super().__init__()
        self.regulators, self.hops = regulators, hops
        self.raw = torch.nn.Parameter(torch.zeros(members, genes, len(regulators), dtype=torch.float64))
        self.alpha = torch.nn.Parameter(torch.zeros(members, names, dtype=torch.float64))
        self.log_rates = torch.nn.Parameter(torch.zeros(members, 2, dtype=torch.float64))
        self.offset = torch.nn.Parameter(torch.zeros(members, settings, genes, dtype=torch.float64))
        off = torch.ones(genes, len(regulators), dtype=torch.float64)
        off[regulators, torch.arange(len(regulators))] = 0.0
        self.off_diagonal = off

    @property
    def network(self) -> torch.Tensor:
        """A, effect of each regulator on each gene; zero diagonal; shape (members, genes, regulators)."""
        return self.raw * self.off_diagonal

    @property
    def rates(self) -> torch.Tensor:
        """beta and gamma, positive, shape (members, 2)."""
        return torch.nn.functional.softplus(self.log_rates)

    def forward(self, inputs: Inputs) -> torch.Tensor:
        """Change of every gene, shape (members, conditions, genes)."""
        network, mask = self.network, inputs.mask[inputs.condition]
        moved = (network[:, :, inputs.regulator] * inputs.strength).transpose(1, 2)
        total = self._on(inputs, 0) * moved
        for hop in range(1, self.hops):
            moved = (moved * mask)[:, :, self.regulators] @ network.transpose(1, 2)
            total = total + self._on(inputs, hop) * moved
        found = torch.zeros(len(network), *inputs.mask.shape, dtype=total.dtype)
        return found.index_add(1, inputs.condition, total)

    def penalties(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Sum of |A| times the number of hops, and sum of squares of A, A^2, ... A^hops, each (members,)."""
        network = self.network
        power, squares = network, (network**2).sum(dim=(1, 2))
        within = network[:, self.regulators]
        for _ in range(1, self.hops):
            power = power @ within
            squares = squares + (power**2).sum(dim=(1, 2))
        return self.hops * network.abs().sum(dim=(1, 2)), squares

    def _on(self, inputs: Inputs, hop: int) -> torch.Tensor:
        """Share of a hop that has taken place; genes never perturbed take the mean delay; (members, rows, 1)."""
        known = torch.cat([self.alpha, self.alpha.mean(dim=1, keepdim=True)], dim=1)
        rates = self.rates
        delay = known[:, inputs.named] + rates[:, :1] * inputs.time - rates[:, 1:] * hop
        return torch.sigmoid(delay)[:, :, None]


def regulators_of(genes: Sequence[str], perturbed: Sequence[str], most: int) -> list[str]:
    """Every gene where they are few, else those that were perturbed: only of these a column can be told."""
    return list(genes) if len(genes) <= most else sorted(set(genes) & set(perturbed))


def time_scale(times: Sequence[float]) -> tuple[float, float]:
    """Middle and span of the training times; span 1 if there is only one."""
    low, high = float(np.min(times)), float(np.max(times))
    return (low + high) / 2.0, (high - low) or 1.0
