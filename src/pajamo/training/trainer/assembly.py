"""Putting together what is trained: the step, spread over processes, with its optimiser."""

from __future__ import annotations

import torch
from torch import Tensor

from pajamo.config.proteins.training import TrainingSettings
from pajamo.training.engine.filling import make
from pajamo.training.engine.pieces import squared_norm
from pajamo.training.engine.processes import Processes
from pajamo.training.engine.sharding import Spread
from pajamo.training.trainer.ahead import Share
from pajamo.training.trainer.optimiser import Optimiser
from pajamo.training.trainer.step import Step, compiled, recompute
from pajamo.training.trainer.task import Task


class Assembly:
    """The module, its loss and its optimiser in this process.

    Parameters
    ----------
    task: what is trained.
    settings: sharding, precision, compiling, optimiser.
    processes: that take part.
    seed: of first weights, where there are none yet.
    """

    def __init__(self, task: Task, settings: TrainingSettings, processes: Processes, seed: int) -> None:
        self.processes = processes
        reduced = settings.precision == "bfloat16"
        sharded = processes.joined and settings.sharding != "none"
        # Pieces of weights are cast when they are gathered; whole weights where they are used.
        self.step = Step(task, processes.device.type, reduced and not sharded)
        blocks = list(task.blocks(task.module))
        if settings.recompute:
            recompute(blocks)
        if settings.compile:
            compiled(blocks)
        self.spread = Spread(self.step, blocks, processes, settings.sharding, reduced)
        make(self.step, task.module, processes.device, seed)
        self.together = self.spread.together()
        self.optimiser = Optimiser(task.module, blocks, settings.optimiser, processes)

    def backward(self, share: Share) -> tuple[Tensor, Tensor]:
        """Gradients of a global step; this process's sum of losses, and its part of the squared norm of gradients."""
        loss = torch.zeros((), device=self.processes.device)
        count = len(share.micros)
        for number, micro in enumerate(share.micros, start=1):
            counts = number <= count - share.idle
            with self.spread.last(number == count):
                one = self.together(micro)
                (one if counts else 0.0 * one).backward()
            if counts:
                loss += one.detach()
        gradients = [weight.grad for weight in self.step.parameters() if weight.grad is not None]
        return loss, squared_norm(gradients, self.processes.world)

    def update(self, share_of_rate: float, scale: float) -> None:
        """Change the weights, gradients being multiplied by `scale` first."""
        self.optimiser.step(share_of_rate, scale)

    def forget(self) -> None:
        """Let go of gradients."""
        self.step.zero_grad(set_to_none=True)

    def arrays(self) -> dict[str, Tensor]:
        """Everything that a checkpoint must hold: weights, tables that are saved, running means."""
        saved = self.step.state_dict().keys()
        weights = {name: weight.detach() for name, weight in self.step.named_parameters()}
        tables = {name: table for name, table in self.step.named_buffers() if name in saved}
        return weights | tables | self.optimiser.state()
