"""The module and its loss as one thing to call, so that exchanges between processes hook into the call."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from pajamo.training.trainer.task import Task

Compute = Callable[[nn.Module, Any], Tensor]


class Step(nn.Module):
    """Maps a micro-batch to the sum of its losses.

    Parameters
    ----------
    task: what is trained.
    device: the kind of device that computes.
    reduced: whether products are computed in bfloat16 though weights have 32 bits.
    """

    def __init__(self, task: Task, device: str, reduced: bool) -> None:
        super().__init__()
        self.module = task.module
        self._loss = task.loss
        self._precision = partial(torch.autocast, device, torch.bfloat16, enabled=reduced)

    def forward(self, micro: Any, compute: Compute | None = None) -> Tensor:
        """The loss of a micro-batch, or whatever else `compute` makes of the module and it."""
        with self._precision():
            return (compute or self._loss)(self.module, micro)


def recompute(blocks: list[nn.Module]) -> None:
    """Keep only the inputs of blocks for the backward pass, and compute the rest again there."""
    for block in blocks:
        block.forward = partial(checkpoint, block.forward, use_reentrant=False)


def compiled(blocks: list[nn.Module]) -> None:
    """Compile blocks in place: names of weights stay, and blocks of equal shape share the work."""
    for block in blocks:
        block.compile()
