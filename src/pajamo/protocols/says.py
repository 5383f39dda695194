"""What a protocol itself says of each assumption, before any data are looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from pajamo.config.protocol import CultureStep, DeliverStep, DifferentiateStep, TransplantStep
from pajamo.data.conditions import Condition
from pajamo.data.history import REST
from pajamo.errors import shorten
from pajamo.protocols.agreement import differing_controls
from pajamo.protocols.algebra import order_matters
from pajamo.protocols.assumptions import ASSUMPTIONS
from pajamo.protocols.protocol import Protocol
from pajamo.protocols.steps import Dose, Step

Said = Literal["says so", "contradicts it", "does not say"]


@dataclass(frozen=True)
class Statement:
    """What the protocol says of one assumption, and in which step."""

    said: Said
    sentence: str


class _Reading:
    """The parts of a protocol that statements are about."""

    def __init__(self, protocol: Protocol, conditions: Sequence[Condition]) -> None:
        self.protocol = protocol
        self.conditions = conditions
        self.perturbed = [c for c in conditions if not c.is_control]
        steps = dict.fromkeys(step for c in conditions for step in protocol.steps(c))
        self.steps: tuple[Step, ...] = tuple(steps)
        self.doses = [step for step in self.steps if isinstance(step, Dose)]
        self.words = [word for c in self.perturbed for _, word in protocol.history(c).branches]
        self.media = sorted({segment.medium for word in self.words for segment in word})


def protocol_says(protocol: Protocol, conditions: Sequence[Condition]) -> dict[str, Statement]:
    """What the protocol says of every assumption, for the conditions of one screen.

    Raises
    ------
    StudyError: a condition that the protocol contradicts.
    """
    reading = _Reading(protocol, conditions)
    return {name: SAYINGS[name](reading) for name in ASSUMPTIONS}


def _baseline(reading: _Reading) -> Statement:
    moving = [s for s in reading.steps if isinstance(s, DifferentiateStep)]
    if moving:
        return Statement("contradicts it", f"differentiates cells in {moving[0].medium or 'a medium'!r}")
    niches = [s.niche for s in reading.steps if isinstance(s, TransplantStep)]
    if niches:
        return Statement("contradicts it", f"keeps cells in a niche that nobody knows ({shorten(niches)})")
    kept = [s.medium or "a medium" for s in reading.steps if isinstance(s, CultureStep)]
    return Statement("says so", f"keeps cells in culture only ({shorten(dict.fromkeys(kept))})")


def _attractor(reading: _Reading) -> Statement:
    if any(step.persistence is not None for step in reading.doses):
        return Statement("does not say", "edits wear off: where cells come to then depends on what they were")
    return Statement("does not say", "")


def _at_rest(reading: _Reading) -> Statement:
    if _baseline(reading).said == "contradicts it":
        return Statement("contradicts it", "cells go on changing in their medium")
    if all(word.duration == REST for word in reading.words):
        return Statement("says so", "gives no time of measurement")
    times = sorted({c.time for c in reading.perturbed})
    unit = reading.protocol.time_unit
    return Statement("does not say", f"measured at {shorten(f'{t:g}' for t in times)} {unit}".rstrip())


def _instantaneous(reading: _Reading) -> Statement:
    late = [s for s in reading.doses if isinstance(s, DeliverStep) or s.onset > 0]
    if late:
        slow = late[0]
        delay = (
            f"a spread delay, {slow.onset_mean:g} on average"
            if isinstance(slow, DeliverStep)
            else f"{slow.onset:g}"
        )
        return Statement("contradicts it", f"{slow.kind} begins to act after {delay}")
    transient = [s for s in reading.doses if s.persistence is not None]
    if transient:
        return Statement(
            "contradicts it", f"{transient[0].kind} wears off after {transient[0].persistence:g}"
        )
    return Statement("says so", "edits act from their delivery on")


def _complete(reading: _Reading) -> Statement:
    partial = [s for s in reading.doses if s.efficiency < 1]
    if partial:
        return Statement(
            "contradicts it", f"{partial[0].kind} takes place in {partial[0].efficiency:.0%} of the cells"
        )
    return Statement("says so", "gives no efficiency below 1")


def _media(reading: _Reading) -> Statement:
    if len(reading.media) < 2:
        return Statement("says so", "perturbed cells are kept in one medium")
    return Statement("does not say", f"perturbed cells are kept in {shorten(reading.media)}")


def _order(reading: _Reading) -> Statement:
    rule = reading.protocol
    for condition in reading.perturbed:
        resting = not rule.differentiates(condition)
        if any(order_matters(word, resting=resting) for _, word in rule.history(condition).branches):
            return Statement(
                "contradicts it", f"has several operations: {rule.history(condition).branches[0][1]}"
            )
    return Statement("says so", "has one operation, so that there is no order")


def _additive(reading: _Reading) -> Statement:
    several = [c for c in reading.perturbed if c.order > 1]
    if not several:
        return Statement("does not say", "no combination was made")
    return Statement("does not say", f"{len({c.genes for c in several})} combinations were made")


def _linear(reading: _Reading) -> Statement:
    strengths = sorted({step.strength for step in reading.doses if step.kind != "knockout"})
    if len(strengths) > 1:
        return Statement("does not say", f"edits of strength {shorten(f'{s:g}' for s in strengths)}")
    return Statement("does not say", "one strength only")


def _same_cells(reading: _Reading) -> Statement:
    differing = differing_controls(reading.protocol, reading.conditions)
    if differing:
        return Statement("contradicts it", f"controls went through another protocol (that of {differing[0]})")
    return Statement("says so", "controls went through the same steps")


SAYINGS: dict[str, Callable[[_Reading], Statement]] = {
    "stationary-baseline": _baseline,
    "unique-attractor": _attractor,
    "at-rest": _at_rest,
    "instantaneous-edit": _instantaneous,
    "complete-editing": _complete,
    "no-medium-response": _media,
    "order-free": _order,
    "additive": _additive,
    "linear": _linear,
    "same-cells": _same_cells,
}
"""Who speaks on which assumption."""
