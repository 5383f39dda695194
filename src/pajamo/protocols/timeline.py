"""When what happened to a group of cells: stays in media one after the other, and deliveries of edits among them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pajamo.config.protocol import CultureStep
from pajamo.data.history import REST, Edit
from pajamo.protocols.steps import Dose, Stay, Step


@dataclass(frozen=True)
class Stretch:
    """Cells were in this medium from `start` to `end`.

    Attributes
    ----------
    settled: whether unperturbed cells are said not to change in it.
    number: position of the step among the steps.
    """

    medium: str
    start: float
    end: float
    settled: bool
    number: int


@dataclass(frozen=True)
class Delivery:
    """These edits (none, in control cells) were delivered at this time; the step says when they act."""

    at: float
    step: Dose
    edits: tuple[Edit, ...]
    number: int


@dataclass(frozen=True)
class Timeline:
    """Everything that happened to one group of cells, from the first step to the measurement.

    Attributes
    ----------
    end: time of the measurement from the first step on; `REST` if nothing changed any more by then.
    """

    stretches: tuple[Stretch, ...]
    deliveries: tuple[Delivery, ...]
    end: float


def draw_up(
    steps: Sequence[Step],
    edits: Callable[[Dose], tuple[Edit, ...]],
    medium: Callable[[Stay], str],
    end: float,
) -> Timeline:
    """Lay steps along the axis of time, up to the measurement at `end`.

    Arguments
    ---------
    edits: what a step changes in this group of cells, which may be nothing.
    medium: name of the medium of a step.
    keep_empty: also keep deliveries that change nothing in this group.
    """
    now = 0.0
    stretches, deliveries = [], []
    for number, step in enumerate(steps):
        if isinstance(step, Stay):
            last = now + (REST if step.duration is None else step.duration)
            settled = isinstance(step, CultureStep)
            if now < end:
                stretches.append(Stretch(medium(step), now, min(last, end), settled, number))
            now = last
        elif isinstance(step, Dose) and now <= end:
            deliveries.append(Delivery(now, step, edits(step), number))
    return Timeline(tuple(stretches), tuple(deliveries), end)


def fixed_time(steps: Sequence[Step]) -> float:
    """Length of all steps that have a duration."""
    return math.fsum(step.duration or 0.0 for step in steps if isinstance(step, Stay))


def first_dose(steps: Sequence[Step]) -> float | None:
    """Time from the first step to the delivery of the first perturbation, None if there is none."""
    for number, step in enumerate(steps):
        if isinstance(step, Dose):
            return fixed_time(steps[:number])
    return None


def open_ended(steps: Sequence[Step]) -> bool:
    """Whether a step lasts until cells were measured."""
    return any(isinstance(step, Stay) and step.duration is None for step in steps)
