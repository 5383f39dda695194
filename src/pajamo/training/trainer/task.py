"""What the loop asks of whatever it trains: a module, a plan of its data, and a loss that is a sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

Facts = dict[str, Any]
"""Values that JSON can hold: they travel in checkpoints."""


class Task(Protocol):
    """Something to train. All methods are pure functions of their arguments: no random state, no cursor.

    Random numbers (masks, crops, order) are looked up from (seed, epoch, index), so that a run that was killed and
    resumed, on as many processes as you like, sees what one process would have seen.

    Attributes
    ----------
    module: what is trained. Where its weights stand on the meta device, `module.initialise(seed)` fills them (and
        tables that are not saved), each from a generator of its own, by `weight.copy_(values)` of the whole array.
    """

    module: nn.Module

    def first(self) -> Facts:
        """Position in the data before the first step."""

    def plan(self, position: Facts) -> tuple[Sequence[Any], Facts]:
        """The micro-batches of one global step, in their global order, and the position behind them.

        A plan says which samples, not what is in them: dataclasses, tuples, arrays, numbers, texts. The list must not
        depend on how many processes there are: they only share it out.
        """

    def micro_batch(self, plan: Any, device: torch.device) -> Any:
        """Read, mask and move one planned micro-batch; called ahead of time in a thread of its own."""

    def weight(self, micro: Any) -> float:
        """What the loss is divided by, summed over the global step: predictions asked for, cells, rows."""

    def loss(self, module: nn.Module, micro: Any) -> Tensor:
        """Sum (not mean) of losses of one micro-batch; a scalar."""

    def blocks(self, module: nn.Module) -> Sequence[nn.Module]:
        """Parts of the module that run one after the other: the units of sharding, compiling and recomputing."""

    def fingerprint(self) -> Facts:
        """What a resumed run must share with the one that it goes on with: model, data, vocabulary, stream."""


@dataclass(frozen=True)
class Work:
    """What a micro-batch amounts to.

    Attributes
    ----------
    tokens: real ones, without padding.
    places: tokens and padding: what the processor had to work through.
    flops: floating-point operations that the model needs for forward and backward pass, without recomputation.
    """

    tokens: int
    places: int
    flops: float


@runtime_checkable
class Measured(Protocol):
    """A task that can say how much work a micro-batch is; throughput is reported for such tasks."""

    def work(self, micro: Any) -> Work:
        """Tokens, places and operations of a micro-batch."""
