"""Which part of a sequence is read, and how: the settings that sites, rates and latent traits share."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from pajamo.config.strict import Config

SequenceMap: TypeAlias = Literal["additive", "neighbour", "pairwise", "network", "convolution"]
PairMap: TypeAlias = Literal[
    "additive", "convolution", "smooth", "pooled", "profile", "factorised", "network", "steps"
]
EncoderName: TypeAlias = SequenceMap | PairMap
Rate: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False)] | Annotated[str, Field(min_length=1)]
Concentration: TypeAlias = Rate
TIME = "time"
"""The input that says when a fraction was recorded."""
BODY_TEMPERATURE = 310.15
"""Kelvin; 37 degrees Celsius, at which kT is 0.616 kcal/mol."""


class ReadingSettings(Config):
    """Which part of the sequence sets a quantity, and how."""

    start: int = Field(default=0, ge=0)
    """First position that is read, counted from 0."""
    length: int | None = Field(default=None, ge=1)
    """Number of positions; to the end of the sequence if not given."""
    strand: Literal["+", "-", "both"] = "+"
    """Which strand is read; with "both" either orientation can be bound."""
    slide: tuple[int, int] | None = None
    """First and last start, where the place is not known: the site may be bound at any of them."""
    encoder: EncoderName = "additive"
    """How letters set the quantity: additive, with neighbouring or all pairs, or a black box. Guide-target pairs are
    read additively, by a kernel that slides along the window (convolution), smoothly along it, by a kernel from which
    each position deviates a little (pooled), by kind and a smooth profile along the window (profile), by kind times
    place (factorised), or by a network."""
    hidden: tuple[int, ...] = (64, 64)
    """Sizes of the hidden layers of a black box."""
    kernel: int = Field(default=3, ge=1)
    """Positions that a kernel spans, on guide-target pairs."""
    knots: int = Field(default=4, ge=1)
    """Knots of a smooth map of guide-target pairs."""
    changes: Literal["to", "kind"] = "to"
    """Substitutions of a guide-target pair are told apart by the target's base, or by both bases."""
    pam: int = Field(default=3, ge=1)
    """Positions of the PAM, for the steps of an R-loop."""
    any_base: tuple[int, ...] = ()
    """Positions of the PAM at which any base does, for the steps of an R-loop."""
    unlike: float | None = Field(default=None, gt=0)
    """For what an enzyme's steps of an R-loop differ from those that all share: how far, relative to the spread of
    the shared ones. Not given for these."""
    sd: float = Field(default=10.0, gt=0)
    """Standard deviation, in kT, of the Gaussian prior on each weight about its prior value."""

    @model_validator(mode="after")
    def _a_site_slides_over_a_range(self) -> Self:
        if self.slide is None:
            return self
        if not 0 <= self.slide[0] <= self.slide[1]:
            raise ValueError("`slide` is the first and the last start: two positions in this order")
        if self.start:
            raise ValueError("give either `start`, a known place, or `slide`, a range of starts")
        return self
