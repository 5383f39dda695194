"""Steps of a protocol written in Python, each checked as the same table of a study file would be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

from pajamo.config.protocol import (
    CultureStep,
    DeliverStep,
    DifferentiateStep,
    MeasureStep,
    PerturbStep,
    TransplantStep,
)
from pajamo.config.strict import parse
from pajamo.data.history import EditKind

Step: TypeAlias = CultureStep | DifferentiateStep | PerturbStep | TransplantStep | DeliverStep | MeasureStep
Stay: TypeAlias = CultureStep | DifferentiateStep | TransplantStep
"""Steps during which cells are kept somewhere for a time."""
Dose: TypeAlias = PerturbStep | DeliverStep
"""Steps that edit cells, and themselves take no time."""
Onset = Literal["uniform", "exponential", "gamma"]


def culture(medium: str = "", duration: float | None = None) -> CultureStep:
    """Keep cells in a medium in which unperturbed cells do not change.

    Without a duration, until they were measured.

    Raises
    ------
    StudyError: a duration that is negative or not finite.
    """
    return parse(CultureStep, {"medium": medium, "duration": duration}, "culture(...)")


def differentiate(medium: str = "", duration: float | None = None) -> DifferentiateStep:
    """Keep cells in a medium in which unperturbed cells change; without a duration, until they were measured.

    Raises
    ------
    StudyError: a duration that is negative or not finite.
    """
    return parse(DifferentiateStep, {"medium": medium, "duration": duration}, "differentiate(...)")


def transplant(niche: str, duration: float | None = None) -> TransplantStep:
    """Bring cells into an animal's niche, a medium that nobody knows.

    Raises
    ------
    StudyError: a duration that is negative or not finite.
    """
    return parse(TransplantStep, {"niche": niche, "duration": duration}, "transplant(...)")


def perturb(
    kind: EditKind,
    *,
    onset: float,
    targets: Iterable[str] = (),
    strength: float = 1.0,
    efficiency: float = 1.0,
    persistence: float | None = None,
) -> PerturbStep:
    """Edit cells in the dish; `onset` is the delay until the edits act.

    Raises
    ------
    StudyError: a value that cannot be (see `pajamo.config.protocol.PerturbStep`).
    """
    given = _edits(kind, targets, strength, efficiency, persistence)
    return parse(PerturbStep, {**given, "onset": onset}, "perturb(...)")


def deliver(
    kind: EditKind,
    *,
    onset: Onset,
    onset_mean: float,
    onset_shape: float = 2.0,
    targets: Iterable[str] = (),
    strength: float = 1.0,
    efficiency: float = 1.0,
    persistence: float | None = None,
) -> DeliverStep:
    """Deliver edits in the animal; they begin to act after a delay that differs between cells.

    Raises
    ------
    StudyError: a value that cannot be (see `pajamo.config.protocol.DeliverStep`).
    """
    given = _edits(kind, targets, strength, efficiency, persistence)
    given |= {"onset": onset, "onset_mean": onset_mean, "onset_shape": onset_shape}
    return parse(DeliverStep, given, "deliver(...)")


def measure(instrument: str = "", batch: str | None = None) -> MeasureStep:
    """Take cells to the instrument; the last step."""
    return parse(MeasureStep, {"instrument": instrument, "batch": batch}, "measure(...)")


def _edits(
    kind: str, targets: Iterable[str], strength: float, efficiency: float, persistence: float | None
) -> dict[str, Any]:
    return {
        "kind": kind, "targets": tuple(targets), "strength": strength, "efficiency": efficiency,
        "persistence": persistence,
    }  # fmt: skip
