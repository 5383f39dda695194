"""How long a step may be: each row of a batch has its own, so that no row depends on its neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pajamo.mechanisms.flows.solving.method import Field

SAFETY, SHRINK, GROW = 0.9, 0.2, 8.0


@dataclass(frozen=True)
class Tolerance:
    """A step is kept where the error of each component is at most absolute + relative * |level|."""

    relative: float
    absolute: float

    def norm(self, error: torch.Tensor, *states: torch.Tensor) -> torch.Tensor:
        """Largest error over the components in units of the tolerance, shape (rows,); infinite if not finite."""
        level = torch.stack([state.abs() for state in states]).amax(dim=0)
        largest = (error.abs() / (self.absolute + self.relative * level)).amax(dim=1)
        return torch.where(torch.isfinite(largest), largest, torch.inf)


def next_step(step: torch.Tensor, error: torch.Tensor, before: torch.Tensor, order: int) -> torch.Tensor:
    """Step for the next attempt, from the error of this one and of the last that was kept.

    Proportional-integral control (Gustafsson 1991, ACM Trans. Math. Softw. 17:533): steps at the border of
    stability vary smoothly instead of being rejected again and again.

    Parameters
    ----------
    step: shape (rows,).
    error, before: errors in units of the tolerance, shape (rows,); 1 is just kept.
    order: order of the method whose error is estimated.
    """
    kept = error <= 1.0
    exponent = 1.0 / (order + 1)
    now = error.clamp(min=1e-10) ** -(exponent * torch.where(kept, 0.7, 1.0))
    memory = torch.where(kept, before.clamp(min=1e-4) ** (0.4 * exponent), 1.0)
    most = torch.where(kept, GROW, 1.0)
    return step * torch.minimum((SAFETY * now * memory).clamp(min=SHRINK), most)


def first_step(
    field: Field, state: torch.Tensor, slope: torch.Tensor, tolerance: Tolerance, order: int
) -> torch.Tensor:
    """A step for which a first-order guess of the error is small, shape (rows,).

    Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I, section II.4.
    """
    size, speed = tolerance.norm(state, state), tolerance.norm(slope, state)
    guess = torch.where((size < 1e-5) | (speed < 1e-5), 1e-6, 0.01 * size / speed)
    bend = tolerance.norm(field(state + guess[:, None] * slope) - slope, state) / guess
    steepest = torch.maximum(speed, bend)
    fine = (0.01 / steepest) ** (1.0 / (order + 1))
    least = guess * 1e-3
    fine = torch.where(steepest <= 1e-15, least.clamp(min=1e-6), fine)
    return torch.minimum(100.0 * guess, torch.maximum(fine, least))
