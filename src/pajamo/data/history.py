"""What was done to a group of cells, in order: the word of operators that their state has gone through.

An operator F(perturbation, medium, time) takes a state to the state after cells with these edits were kept in this
medium for that long. An experiment is a composition of such operators, and the order matters: perturbing before
differentiation is not differentiating before perturbation (arXiv 2501.19178).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, runtime_checkable

from pajamo.data.conditions import Condition

EditKind = Literal["knockout", "crispri", "crispra", "shift", "clamp"]

REST = math.inf
"""Duration of a segment that lasts until nothing changes any more."""
NICHE = "niche:"
"""How the name of a medium begins that nobody controls or knows: a niche of an animal."""


@dataclass(frozen=True, order=True)
class Edit:
    """One change to one target's own production, while it acts.

    Attributes
    ----------
    target: gene, or drug for a shift of the drug's own targets.
    kind: "knockout" (production becomes 0), "crispri" (production times 1 - strength), "crispra" (production times
        1 + strength), "shift" (strength is added to production), "clamp" (the level is held at strength).
    strength: share of production for crispri and crispra (0 to 1, and 0 upwards), level per unit of time for a
        shift, level for a clamp; not used for a knockout.
    """

    target: str
    kind: EditKind = "knockout"
    strength: float = 1.0

    def __str__(self) -> str:
        amount = f" {self.strength:g}" if self.kind != "knockout" else ""
        return f"{self.target} {self.kind}{amount}"


@dataclass(frozen=True)
class Segment:
    """One operator F(perturbation, medium, time): which edits act, in which medium, for how long.

    Attributes
    ----------
    edits: those that act during the segment; empty for unperturbed cells.
    medium: name of the medium, cell line or niche.
    duration: in the protocol's unit of time; `REST` for "until nothing changes any more".
    """

    edits: frozenset[Edit] = frozenset()
    medium: str = ""
    duration: float = REST

    @property
    def in_niche(self) -> bool:
        """Whether the medium is an animal's niche, which nobody controls or knows."""
        return self.medium.startswith(NICHE)

    def __str__(self) -> str:
        edits = ", ".join(str(edit) for edit in sorted(self.edits)) or "-"
        lasting = "rest" if self.duration == REST else f"{self.duration:g}"
        return f"F({edits}; {self.medium or 'medium'}; {lasting})"


@dataclass(frozen=True)
class Word:
    """Operators in the order in which they were applied: the first segment acts first."""

    segments: tuple[Segment, ...] = ()

    def then(self, after: Word) -> Word:
        """This word, followed by another: the composition `after` o `self`."""
        return Word(self.segments + after.segments).normal()

    def normal(self) -> Word:
        """The shortest equal word: no segment of no duration, no two neighbours that differ only in duration.

        Identity, F(p, m, 0) = I, and semigroup, F(p, m, t) F(p, m, s) = F(p, m, t + s).
        """
        kept: list[Segment] = []
        for segment in self.segments:
            if segment.duration == 0:
                continue
            last = kept[-1] if kept else None
            if last and (last.edits, last.medium) == (segment.edits, segment.medium):
                kept[-1] = replace(last, duration=last.duration + segment.duration)
            else:
                kept.append(segment)
        return Word(tuple(kept))

    def without_edits(self) -> Word:
        """What the matched control went through: the same media for the same times, nothing perturbed."""
        return Word(tuple(replace(segment, edits=frozenset()) for segment in self.segments)).normal()

    @property
    def duration(self) -> float:
        """Time from the first operation to the last, in the protocol's unit."""
        return sum(segment.duration for segment in self.segments)

    def __str__(self) -> str:
        """The composition as it is written in mathematics: the operator that acted last stands first."""
        return " ".join(str(segment) for segment in reversed(self.segments)) or "I"

    def __iter__(self) -> Iterator[Segment]:
        return iter(self.segments)

    def __len__(self) -> int:
        return len(self.segments)


@dataclass(frozen=True)
class History:
    """What a group of cells went through: one word, or a mixture where cells differ.

    Cells differ where editing is incomplete (some keep the unperturbed word) or its onset is spread over time.

    Attributes
    ----------
    branches: (share of the cells, word); shares sum to one.
    """

    branches: tuple[tuple[float, Word], ...]

    @classmethod
    def of(cls, word: Word) -> History:
        """All cells went through the same word."""
        return cls(((1.0, word.normal()),))

    def without_edits(self) -> Word:
        """What the matched control went through; the same for every branch."""
        return self.branches[0][1].without_edits()


@runtime_checkable
class HistoryRule(Protocol):
    """Says what cells of any condition have gone through, measured or not; `pajamo.protocols.Protocol` is one."""

    @property
    def time_unit(self) -> str:
        """Unit of every duration, empty if the screen has one time."""
        ...

    @property
    def accepted(self) -> frozenset[str]:
        """Assumptions that the user takes responsibility for although the protocol speaks against them."""
        ...

    def history(self, condition: Condition) -> History:
        """What cells of this condition went through before they were measured."""
        ...

    def differentiates(self, condition: Condition) -> bool:
        """Whether unperturbed cells of this condition's context change with time."""
        ...

    def to_dict(self) -> Mapping[str, Any]:
        """The rule as JSON can hold it."""
        ...
