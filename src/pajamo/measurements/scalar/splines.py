"""Cubic B-splines on a uniform grid, continued as straight lines beyond it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

DEGREE = 3
LOCAL = DEGREE + 1
"""How many basis functions are not zero at a point."""


@dataclass(frozen=True)
class SplineGrid:
    """A uniform grid.

    Attributes
    ----------
    low: where it begins.
    step: width of a segment.
    segments: number of segments; there are three more basis functions.
    """

    low: float
    step: float
    segments: int

    @classmethod
    def over(cls, low: float, high: float, size: int) -> SplineGrid:
        """The grid between two values that has `size` basis functions."""
        segments = size - DEGREE
        return cls(low, max(high - low, 1e-3) / segments, segments)

    @property
    def size(self) -> int:
        """Number of basis functions."""
        return self.segments + DEGREE

    @property
    def centres(self) -> Tensor:
        """Where each basis function is largest, shape (size,)."""
        return self.low + self.step * (torch.arange(self.size, dtype=torch.float64) - 1.0)

    def place(self, at: Tensor) -> tuple[Tensor, Tensor]:
        """The segment of each value (the nearest one beyond the grid), and the place in it in steps."""
        scaled = (at - self.low) / self.step
        segment = scaled.detach().floor().clamp(0, self.segments - 1)
        return segment.long(), scaled - segment

    def basis(self, at: Tensor) -> tuple[Tensor, Tensor]:
        """First of the four basis functions of each value, and their values, shape (values, 4)."""
        segment, place = self.place(at)
        inside = place.clamp(0.0, 1.0)
        return segment, _values(inside) + (place - inside)[:, None] * _slopes(inside)

    def derivatives(self, at: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """As `basis`, with slopes and curvatures of the basis functions: each of shape (values, 4)."""
        segment, place = self.place(at)
        inside = place.clamp(0.0, 1.0)
        beyond = (place - inside)[:, None]
        values = _values(inside) + beyond * _slopes(inside)
        bends = _bends(inside) * (beyond == 0)
        return segment, values, _slopes(inside) / self.step, bends / self.step**2


def _values(u: Tensor) -> Tensor:
    v = 1 - u
    inner = (3 * u**3 - 6 * u**2 + 4, 3 * v**3 - 6 * v**2 + 4)
    return torch.stack([v**3, inner[0], inner[1], u**3], dim=1) / 6


def _slopes(u: Tensor) -> Tensor:
    v = 1 - u
    return torch.stack([-(v**2), 3 * u**2 - 4 * u, 4 * v - 3 * v**2, u**2], dim=1) / 2


def _bends(u: Tensor) -> Tensor:
    v = 1 - u
    return torch.stack([v, 3 * u - 2, 3 * v - 2, u], dim=1)
