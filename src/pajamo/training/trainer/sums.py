"""What processes tell one another at each step: one exchange, and one wait for the device."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from pajamo.training.engine.processes import Processes
from pajamo.training.trainer.ahead import Share


@dataclass(frozen=True)
class Flags:
    """What one process wants the others to know: it was told to stop, its time is over, it still writes."""

    signalled: bool
    late: bool
    writing: bool


@dataclass(frozen=True)
class Sums:
    """Sums over processes; of flags, how many processes raise them."""

    loss: float
    squared_norm: float
    weight: float
    tokens: float
    places: float
    flops: float
    signalled: float
    late: float
    writing: float

    @property
    def mean(self) -> float:
        """Loss over weight; not a number where there was no weight."""
        return self.loss / self.weight if self.weight else float("nan")

    @property
    def norm(self) -> float:
        """Norm of the gradient of the mean."""
        return self.squared_norm**0.5 / self.weight if self.weight else float("nan")


def summed(loss: Tensor, squared_norm: Tensor, share: Share, flags: Flags, processes: Processes) -> Sums:
    """Exchange the sums of a step.

    Parameters
    ----------
    loss: of this process's micro-batches, a scalar on the device.
    squared_norm: this process's contribution, a scalar on the device.
    """
    work = share.work
    known = [share.weight, work.tokens, work.places, work.flops, flags.signalled, flags.late, flags.writing]
    measured = torch.stack([loss.double(), squared_norm.double().to(loss.device)])
    values = torch.cat([measured, torch.tensor(known, dtype=torch.float64).to(measured.device)])
    return Sums(*processes.sum(values).tolist())
