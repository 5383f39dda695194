"""What must hold of a batch, whatever it would gain otherwise."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from pajamo.config.strict import Config

Count = Annotated[int, Field(ge=1)]


class LayoutSettings(Config):
    """How lanes (or plates) are filled."""

    capacity: Count | None = None
    """Most captured cells of a lane (wells of a plate); as the cost has it if not given."""
    most_lanes: Count | None = None
    """Most lanes of a run; as the cost has it if not given."""
    controls: Annotated[int, Field(ge=0)] = 0
    """Least control cells (wells) of each lane."""
    spread: Count = 1
    """Least number of lanes over which the guides of a target, or the repeats of a candidate, are spread."""


class ConstraintSettings(Config):
    """What must hold of a batch. A candidate is written as its perturbations, joined by "+" in any order."""

    must_include: tuple[str, ...] = ()
    """Candidates that have to be measured."""
    exclude: tuple[str, ...] = ()
    """Candidates that must not be measured."""
    must_not_pair: tuple[tuple[str, str], ...] = ()
    """Perturbations of which no cell may carry both (guides that recombine, a pair known to kill)."""
    must_not_combine: tuple[str, ...] = ()
    """Perturbations that are measured alone or not at all."""
    groups: dict[str, str] = Field(default_factory=dict)
    """By perturbation, the group that it belongs to (a pathway, a gene family)."""
    most_per_group: Count | None = None
    """Most candidates with a perturbation of one group."""
    most_candidates: Count | None = None
    """Most candidates of a batch."""
    most_guides: Count | None = None
    """Library size: most guides, non-targeting ones included."""
    layout: LayoutSettings = LayoutSettings()
    """How lanes are filled."""

    @model_validator(mode="after")
    def _groups_are_limited(self) -> Self:
        if self.most_per_group is not None and not self.groups:
            raise ValueError("`most_per_group` needs `groups`: which perturbation belongs to which")
        return self
