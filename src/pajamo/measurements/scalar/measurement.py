"""What every measurement of one number is: a distribution over what is recorded, given the activity."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from pajamo.measurements.scalar.expansion import AutogradExpansion, Expansion

Recorded = Mapping[str, Tensor]
"""Arrays whose first axis are the rows: `counts` and `library`; `value` and `error`; `rna` and `dna`."""


class Measurement(nn.Module, ABC):
    """p(recorded | activity), with nuisance parameters of the instrument.

    Everything is a sum over rows, never a mean, so that a loss does not depend on how rows are batched.
    """

    normalised: bool = True
    """Whether it takes the activity divided by its spread over the training rows, about its mean there."""
    convex: bool = False
    """Whether minus the log-likelihood is convex in the instrument's parameters, at given activities."""

    @abstractmethod
    def start(self, activity: Tensor, recorded: Recorded) -> None:
        """Set the instrument's parameters to sensible values for these activities, shape (rows,)."""

    def follow(self, activity: Tensor) -> None:
        """Move the instrument's own scale (knots, say) along with these activities; nothing by default."""

    def expand(self, activity: Tensor, recorded: Recorded) -> Expansion:
        """Derivatives that a Newton fit needs, at these activities; by differentiating twice by default."""
        return AutogradExpansion(self, activity, recorded)

    @abstractmethod
    def log_likelihood(self, activity: Tensor, recorded: Recorded) -> Tensor:
        """ln p of what was recorded of each row, in nats; shape (rows,)."""

    def penalty(self) -> Tensor:
        """Minus ln of the prior density of the instrument's parameters, in nats, up to a constant."""
        return torch.zeros(())

    @abstractmethod
    def expected(self, activity: Tensor) -> Tensor:
        """Mean of what would be recorded, shape (rows,): the mean bin, the mean reading, RNA per DNA."""

    @abstractmethod
    def draw(self, activity: Tensor, recorded: Recorded, generator: torch.Generator) -> dict[str, Tensor]:
        """New readings of these activities with the reads (or errors, or DNA) that `recorded` had."""

    @abstractmethod
    def reads(self, recorded: Recorded) -> Tensor:
        """How many observations each row stands for (reads; 1 for a continuous reading), shape (rows,)."""
