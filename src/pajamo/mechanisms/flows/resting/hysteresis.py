"""Strengthen an edit and take it back: where cells jump, and whether they return the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

import torch

from pajamo.errors import ModelError
from pajamo.mechanisms.flows.drift import Drift
from pajamo.mechanisms.flows.intervention import Intervention
from pajamo.mechanisms.flows.resting.attractors import SAME
from pajamo.mechanisms.flows.resting.problem import largest, magnitude
from pajamo.mechanisms.flows.resting.rest import rest_point

Edited = Callable[[float], Intervention]

JUMP = 0.05
"""Relative change of a component that halving the step must be able to undo, or it is a jump."""


@dataclass(frozen=True)
class Hysteresis:
    """Rest points along a sweep of an edit's strength and back.

    Attributes
    ----------
    strength: shape (steps,), in the order of the way up.
    up: rest points on the way up, shape (steps, components).
    down: rest points on the way down, in the same order as `strength`, shape (steps, components).
    jumps_up, jumps_down: strengths at which the attractor that the cells were in vanishes (a fold). Close before a
        fold the border of the basin is within the error of the followed path, so that a jump may come a little early.
    """

    strength: torch.Tensor
    up: torch.Tensor
    down: torch.Tensor
    jumps_up: tuple[float, ...]
    jumps_down: tuple[float, ...]

    @property
    def history_matters(self) -> torch.Tensor:
        """Where the way up and the way down end in different states, shape (steps,)."""
        return largest(self.up - self.down, magnitude(self.up)) > SAME


def hysteresis(
    drift: Drift, edited: Edited, strength: torch.Tensor, start: torch.Tensor, *, precision: float = 1e-4
) -> Hysteresis:
    """Let cells come to rest at one strength after another, up and then down.

    Parameters
    ----------
    edited: the intervention, of one row, at a strength.
    strength: increasing, at least two, shape (steps,).
    start: state before the first, shape (components,).
    precision: of the strengths at which cells jump, in the unit of `strength`.

    Raises
    ------
    ModelError: strengths do not increase, or cells do not come to rest at some strength.
    """
    values = [float(value) for value in strength]
    if len(values) < 2 or any(b <= a for a, b in pairwise(values)):
        raise ModelError(
            "a sweep needs at least two increasing strengths",
            where="the strengths of a hysteresis scan",
            fix="pass for example torch.linspace(0, 1, 21)",
        )
    way = _Way(drift, edited, precision)
    with torch.no_grad():
        up, jumps_up = way.walk(values, start)
        down, jumps_down = way.walk(reversed(values), up[-1])
    return Hysteresis(torch.tensor(values), torch.stack(up), torch.stack(down[::-1]), jumps_up, jumps_down)


@dataclass(frozen=True)
class _Way:
    drift: Drift
    edited: Edited
    precision: float

    def rest(self, strength: float, start: torch.Tensor) -> torch.Tensor:
        """Where cells at `start` come to rest at this strength."""
        return rest_point(self.drift, self.edited(strength), start, names=[f"strength {strength:g}"]).state[0]

    def walk(
        self, strengths: Iterable[float], start: torch.Tensor
    ) -> tuple[list[torch.Tensor], tuple[float, ...]]:
        """Rest points at each strength, each from the last, and the strengths of jumps between them."""
        states: list[torch.Tensor] = []
        jumps: list[float] = []
        last = None
        for strength in strengths:
            state = self.rest(strength, start)
            if last is not None:
                jumps += self.jump(last, start, strength, state)
            states.append(state)
            start, last = state, strength
        return states, tuple(jumps)

    def jump(self, low: float, at_low: torch.Tensor, high: float, at_high: torch.Tensor) -> list[float]:
        """Halve the interval for as long as one half holds nearly all of the change; empty if none does."""
        if not _far(at_low, at_high):
            return []
        while abs(high - low) > self.precision:
            middle = (low + high) / 2
            at_middle = self.rest(middle, at_low)
            if _distance(at_low, at_middle) > _distance(at_middle, at_high):
                high, at_high = middle, at_middle
            else:
                low, at_low = middle, at_middle
        return [(low + high) / 2] if _far(at_low, at_high) else []


def _distance(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).abs().amax())


def _far(one: torch.Tensor, other: torch.Tensor) -> bool:
    return bool(largest((other - one).unsqueeze(0), magnitude(one.unsqueeze(0))) > JUMP)
