"""The [transfer] table of a study: a mechanism becomes a layer of a network that learns from cells."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from pajamo.config.strict import Config


class TransferSettings(Config):
    """How what was measured in vitro is carried over to tables of sites that were found cut, or not.

    Each member of the ensemble holds the mechanism of its own; a context may change each of its terms (ln of a rate,
    the energy of a step of an R-loop) by a bounded amount that is 0 at the matched target and at the start, and by
    what the guide's own base pairs add, which is 0 at the start as well. What a site has as log10 of its cutting
    rate, the log odds of being found rise with, alike for all tables, each of which has an offset of its own.
    """

    mechanism: str | tuple[str, ...] = ()
    """The declared mechanism, or several, each of which gets as many members; every declared one if not given."""
    output: str | None = None
    """Which output of the mechanism a cut follows; "cleavage", or the only one, if not given."""
    start: dict[str, Path] = Field(default_factory=dict)
    """Fitted models by mechanism, from which members start; for others the study's experiments that recorded rates
    are fitted first. A mechanism without either starts where its prior says."""
    freeze: Literal["frozen", "rates", "free"] = "free"
    """What of the mechanism may move: nothing; constants only; or all, with a Gaussian prior about the start."""
    kinetic_sd: float = Field(default=1.0, gt=0)
    """Standard deviation of that prior on each weight, in ln units (kT)."""
    context: Literal["none", "linear", "network"] = "linear"
    """What may change each term beyond the mechanism's own windows: nothing, a weight for each difference at each
    position, or a small network of all differences at once."""
    hidden: tuple[int, ...] = (64, 32)
    """Sizes of the network's hidden layers."""
    bound: float = Field(default=3.0, gt=0)
    """The context changes no term by more, in ln units (kT); what a guide's own bases change comes on top."""
    context_sd: float | None = Field(default=None, gt=0)
    """Standard deviation of the Gaussian prior on each weight of the context, in ln units (kT): 0.35 if not given, or
    0.1 where it may change each of the many steps of an R-loop."""
    strength_sd: float = Field(default=0.5, ge=0)
    """Standard deviation of the Gaussian prior on what a G:C pair of the guide, in place of an A:T pair, adds to each
    term that reads it, in ln units (kT); part of the context. Few guides were measured in vitro, and how many sites
    of a guide are cut rises with how well it pairs. 0: a guide's own bases change nothing."""
    members: int = Field(default=5, ge=1)
    """Networks of each mechanism, with random choices and resampled guides of their own."""
    resample: bool = True
    """Whether members see guides with random weights of their own (a Bayesian bootstrap), so that their spread says
    what so few guides leave open."""
    epochs: int = Field(default=8, ge=1)
    """Passes over the sites that were found, each with sites anew that were not."""
    negatives: int = Field(default=30, ge=1)
    """Sites that were not found, drawn anew in each epoch, for each that was found."""
    batch: int = Field(default=4096, ge=1)
    """Sites of a step."""
    rate: float = Field(default=0.03, gt=0)
    """The greatest step size; it rises and falls once."""
    weights: dict[str, float] = Field(default_factory=dict)
    """How much each row of an experiment counts; 1 if not given."""
    guide_offsets: bool = False
    """Whether each guide of a table has an offset of its own, shrunk to 0; predictions are made without."""
    most_changes: int = Field(default=6, ge=0)
    """Rows with more mismatches and bulges are left out: tables that list what was found up to any number, and what
    was not only up to a few, would teach that a site is found because it differs."""
    drop_matched: bool = True
    """Whether rows whose target matches the guide, labelled as not found, are left out: they are hits that the table
    does not list."""
    competition: float = Field(default=0.0, ge=0)
    """Share of ln of the summed activity of a guide's other candidate sites that is taken off, where a list of sites
    is scored: sites compete for the nuclease."""
    validation_share: float = Field(default=0.2, ge=0, lt=1)
    """Share of the guides that are kept aside to calibrate, where the study names no `validation_guides`."""

    @field_validator("weights")
    @classmethod
    def _weights_count(cls, weights: dict[str, float]) -> dict[str, float]:
        if any(not 0 <= weight < float("inf") for weight in weights.values()):
            raise ValueError("`weights` are numbers, zero or above")
        return weights

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """The mechanisms that are named, as a tuple."""
        return (self.mechanism,) if isinstance(self.mechanism, str) else self.mechanism
