"""What is looked at while training: sums over samples, shared out over processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pajamo.training.engine.processes import Processes
from pajamo.training.engine.sharding import Spread
from pajamo.training.trainer.task import Task

Validate = Callable[["Trained"], dict[str, float]]
"""Called by all processes at the same steps; must call `Trained.summed` equally often in each."""


@dataclass(frozen=True)
class Trained:
    """The module as it is after a step.

    Attributes
    ----------
    task: what is trained.
    step: number of the step.
    processes: that take part.
    """

    task: Task
    step: int
    processes: Processes
    spread: Spread

    def summed(self, items: Sequence[Any], compute: Callable[[nn.Module, Any], Tensor]) -> Tensor:
        """Sum of `compute(module, item)` over items, each computed by one process; all get the sum.

        Parameters
        ----------
        items: the same in all processes, at least one.
        compute: gives an array of the same shape for every item; called without gradients.

        Returns
        -------
        The sum, in 64 bits, on the CPU.
        """
        own = self.processes.share(items)
        idle = -(-len(items) // self.processes.world) - len(own)
        step, total = self.spread.step, torch.zeros((), dtype=torch.float64)
        was = step.training
        step.eval()
        with torch.no_grad():
            for item in own:
                total = total + step(item, compute).double().cpu()
            for item in items[:idle]:  # exchanges of weights must match; this counts nothing
                total = total + 0.0 * step(item, compute).double().cpu().nan_to_num()
        step.train(was)
        self.spread.rest()
        return self.processes.sum(total.to(self.processes.device)).cpu()

    def loss(self, plans: Sequence[Any]) -> tuple[float, float]:
        """Sum of losses and sum of weights over planned micro-batches."""

        def both(module: nn.Module, plan: Any) -> Tensor:
            micro = self.task.micro_batch(plan, self.processes.device)
            weight = torch.tensor(float(self.task.weight(micro)), dtype=torch.float64)
            return torch.stack([self.task.loss(module, micro).double().cpu(), weight])

        loss, weight = self.summed(plans, both).tolist()
        return loss, weight
