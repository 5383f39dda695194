"""What is to be drawn of each arm: stays in media, deliveries, when edits act, when cells were taken."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pajamo.config.protocol import DeliverStep
from pajamo.data.conditions import Condition
from pajamo.data.history import REST
from pajamo.errors import shorten
from pajamo.protocols.onset import reached
from pajamo.protocols.protocol import Protocol
from pajamo.protocols.steps import Dose, Step
from pajamo.protocols.timeline import first_dose

NAMED_TARGETS = 3
"""Targets of a step that its label names."""


@dataclass(frozen=True)
class Act:
    """One step that edits: when it was delivered, and in what share of the cells its edits act when."""

    label: str
    step: Dose
    at: float

    def acting(self, time: float) -> float:
        """Share of the cells in which the edit acts at this time, apart from its efficiency."""
        persistence = math.inf if self.step.persistence is None else self.step.persistence
        return self._begun(time - self.at) - self._begun(time - self.at - persistence)

    def _begun(self, delay: float) -> float:
        if isinstance(self.step, DeliverStep):
            return reached(self.step, delay)
        return float(delay >= self.step.onset)


@dataclass(frozen=True)
class Arm:
    """Cells that went through the same steps.

    Attributes
    ----------
    title: which cells.
    stays: (label, start, end) of each medium, up to the last harvest; `REST` may be an end.
    acts: steps that edit.
    harvests: when cells were taken, from the first step on; `REST` for cells at rest.
    zero: where the screen's clock starts.
    unit: of all times.
    """

    title: str
    stays: tuple[tuple[str, float, float], ...]
    acts: tuple[Act, ...]
    harvests: tuple[float, ...]
    zero: float
    unit: str

    @property
    def length(self) -> float:
        """Length of the axis: rest is drawn half as long as everything before it."""
        times = [t for stay in self.stays for t in stay[1:]] + [
            act.at + _delay(act.step) for act in self.acts
        ]
        finite = max((t for t in times if t != REST), default=0.0)
        return (finite * 1.5 or 1.0) if REST in times else finite or 1.0


def arms_of(protocol: Protocol, conditions: Sequence[Condition]) -> list[Arm]:
    """What is to be drawn for the conditions of a screen: one arm a list of steps.

    Raises
    ------
    StudyError: a condition that the protocol contradicts.
    """
    arms = []
    for steps, same in _grouped(protocol, conditions).items():
        timelines = [protocol.timeline(condition) for condition in same]
        longest = max(timelines, key=lambda timeline: timeline.end)
        arms.append(
            Arm(
                title=_title(protocol, steps, same),
                stays=tuple((s.medium or "medium", s.start, s.end) for s in longest.stretches),
                acts=tuple(Act(_label(d.step), d.step, d.at) for d in longest.deliveries),
                harvests=tuple(sorted({timeline.end for timeline in timelines})),
                zero=first_dose(steps) or 0.0 if protocol.settings.clock == "perturbation" else 0.0,
                unit=protocol.time_unit,
            )
        )
    return arms


def _grouped(protocol: Protocol, conditions: Sequence[Condition]) -> dict[tuple[Step, ...], list[Condition]]:
    found: dict[tuple[Step, ...], list[Condition]] = {}
    for condition in conditions:
        found.setdefault(protocol.steps(condition), []).append(condition)
    return found


def _label(step: Dose) -> str:
    targets = f" {shorten(step.targets, NAMED_TARGETS)}" if step.targets else ""
    share = f" {step.efficiency:.0%}" if step.efficiency < 1 else ""
    return f"{step.kind}{targets}{share}"


def _title(protocol: Protocol, steps: tuple[Step, ...], same: Sequence[Condition]) -> str:
    if protocol.settings.controls == steps:
        return "control cells"
    contexts = sorted({condition.context for condition in same} - {""})
    return f"cells of {shorten(contexts, 6)}" if contexts else "all cells"


def _delay(step: Dose) -> float:
    return step.onset_mean if isinstance(step, DeliverStep) else step.onset
