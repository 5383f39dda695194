"""What a mechanism hands to a measurement: how active each output is, on the scale that keeps precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

Coordinate = Literal["linear", "log", "logit"]


@dataclass(frozen=True)
class Activity:
    """Activity of each output for each sequence.

    Attributes
    ----------
    value: ln of the activity if `logarithmic`, else the activity itself; shape (sequences, outputs).
    rest: ln of (1 - activity) where the activity is bounded by 1, shape (sequences, outputs); else None.
    logarithmic: False for latent traits, which may be negative.
    """

    value: Tensor
    rest: Tensor | None = None
    logarithmic: bool = True

    @property
    def natural(self) -> Coordinate:
        """The scale on which it loses no precision and on which a measurement works by default."""
        if not self.logarithmic:
            return "linear"
        return "log" if self.rest is None else "logit"

    def on(self, coordinate: Coordinate | None, output: int) -> Tensor:
        """One output on a scale, shape (sequences,); a latent trait has only its own."""
        chosen = self.natural if coordinate is None else coordinate
        value = self.value[:, output]
        if not self.logarithmic or chosen == "log":
            return value
        if chosen == "linear":
            return value.exp()
        if self.rest is None:
            return value
        return value - self.rest[:, output]
