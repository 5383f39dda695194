"""What every noise is: a distribution of the reading about its mean."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from pajamo.measurements.scalar.measurement import Recorded
from pajamo.measurements.scalar.noise.scale import LogPolynomial


class Noise(nn.Module, ABC):
    """p(value | centre), with a scale that may depend on the centre.

    Attributes
    ----------
    log_scale: ln of the scale as a polynomial in the centre.
    """

    def __init__(self, order: int = 0) -> None:
        super().__init__()
        self.log_scale = LogPolynomial(order)

    def start(self, centre: Tensor, recorded: Recorded) -> None:
        """The spread of the readings about their mean, everywhere the same: nothing is explained yet."""
        del centre
        self.log_scale.start(recorded["value"])

    @abstractmethod
    def log_density(self, centre: Tensor, recorded: Recorded) -> Tensor:
        """ln p(value) of each row, in nats, shape (rows,)."""

    def mean(self, centre: Tensor) -> Tensor:
        """Mean of the readings about these centres; the centre itself where the noise is symmetric."""
        return centre

    @abstractmethod
    def draw(self, centre: Tensor, recorded: Recorded, generator: torch.Generator) -> Tensor:
        """A reading for each row."""

    def penalty(self) -> Tensor:
        """Minus ln of the prior density of the noise's parameters, in nats, up to a constant."""
        return self.log_scale.penalty()
