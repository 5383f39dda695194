"""Weights follow from gradients: AdamW, and Muon for matrices inside the blocks. Each process updates its pieces."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from pajamo.config.proteins.training import OptimiserSettings
from pajamo.training.engine.matrices import for_whole_matrices
from pajamo.training.engine.pieces import piece, with_piece
from pajamo.training.engine.processes import Processes
from pajamo.training.trainer.muon import change

Named = dict[str, nn.Parameter]


class Optimiser:
    """The optimiser of a module whose weights have their values.

    Parameters
    ----------
    module: whose weights are trained; those that need no gradient are left alone.
    blocks: parts whose matrices Muon takes.
    settings: rates and decay.
    processes: that share the work of Muon.
    """

    def __init__(
        self,
        module: nn.Module,
        blocks: Iterable[nn.Module],
        settings: OptimiserSettings,
        processes: Processes,
    ) -> None:
        self.settings, self.processes = settings, processes
        weights = {name: weight for name, weight in module.named_parameters() if weight.requires_grad}
        tables = _embeddings(module)
        inside = {id(weight) for block in blocks for weight in block.parameters()}
        self.matrices: Named = {
            name: weight
            for name, weight in weights.items()
            if settings.name == "muon"
            and weight.ndim == 2
            and id(weight) in inside
            and id(weight) not in tables
        }
        self.others: Named = {name: weight for name, weight in weights.items() if name not in self.matrices}
        self._pieces = {name: piece(weight) for name, weight in weights.items()}
        self._momentum = {name: torch.zeros_like(self._pieces[name]) for name in self.matrices}
        self._adam = self._adamw(tables)

    def step(self, share: float, scale: float) -> None:
        """Change the weights.

        Parameters
        ----------
        share: of the highest rate.
        scale: by which gradients are multiplied first: one over the weight of all losses, times what clipping leaves.
        """
        with torch.no_grad():
            gradients = {
                name: piece(weight.grad)
                for name, weight in (self.others | self.matrices).items()
                if weight.grad is not None
            }
            torch._foreach_mul_(list(gradients.values()), scale)
            self._step_others(gradients, share)
            self._step_matrices(gradients, share)

    def state(self) -> dict[str, Tensor]:
        """Running means, by names that do not depend on how weights are shared out."""
        found: dict[str, Tensor] = {}
        for name, weight in self.others.items():
            state = self._adam.state[self._pieces[name]]
            found[f"optimiser.first.{name}"] = with_piece(weight, state["exp_avg"])
            found[f"optimiser.second.{name}"] = with_piece(weight, state["exp_avg_sq"])
        for name, weight in self.matrices.items():
            found[f"optimiser.momentum.{name}"] = with_piece(weight, self._momentum[name])
        return found

    def set_updates(self, updates: int) -> None:
        """How many updates were made: AdamW's correction for its first steps depends on it."""
        for state in self._adam.state.values():
            state["step"].fill_(updates)

    def _adamw(self, tables: set[int]) -> torch.optim.AdamW:
        decaying = [n for n, weight in self.others.items() if weight.ndim >= 2 and id(weight) not in tables]
        rest = [name for name in self.others if name not in set(decaying)]
        groups = [
            {"params": [self._pieces[name] for name in names], "weight_decay": decay}
            for names, decay in ((decaying, self.settings.weight_decay), (rest, 0.0))
        ]
        adam = torch.optim.AdamW(
            groups, lr=self.settings.learning_rate, betas=self.settings.betas, fused=True
        )
        for name in self.others:
            held = self._pieces[name]
            adam.state[held] = {
                "step": torch.zeros((), device=held.device),
                "exp_avg": torch.zeros_like(held),
                "exp_avg_sq": torch.zeros_like(held),
            }
        return adam

    def _step_others(self, gradients: dict[str, Tensor], share: float) -> None:
        for group in self._adam.param_groups:
            group["lr"] = self.settings.learning_rate * share
        for name in self.others:
            self._pieces[name].grad = gradients.get(name)
        self._adam.step()
        self._adam.zero_grad(set_to_none=True)

    def _step_matrices(self, gradients: dict[str, Tensor], share: float) -> None:
        """Nesterov momentum, then the orthogonal matrix nearest to it."""
        names = [name for name in self.matrices if name in gradients]
        rate, kept = self.settings.matrix_rate * share, self.settings.momentum
        ahead = []
        for name in names:
            self._momentum[name].lerp_(gradients[name], 1 - kept)
            ahead.append(gradients[name].lerp(self._momentum[name], kept))
        like = [self.matrices[name] for name in names]
        for name, moved in zip(names, for_whole_matrices(like, ahead, change, self.processes), strict=True):
            held = self._pieces[name]
            held.mul_(1 - rate * self.settings.weight_decay).add_(moved, alpha=-rate)


def _embeddings(module: nn.Module) -> set[int]:
    """Weights of which a row belongs to a token: they do not decay, and are no maps between spaces."""
    return {
        id(weight)
        for name, part in module.named_modules()
        for weight in part.parameters(recurse=False)
        if isinstance(part, nn.Embedding) or "embedding" in name.rpartition(".")[2]
    }
