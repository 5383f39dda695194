"""Sites on the sequence, what binds them, and how those interact."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from pajamo.config.assays.reading import Concentration, ReadingSettings
from pajamo.config.strict import Config


class SiteSettings(ReadingSettings):
    """A place in the sequence that a regulator binds; its binding energy depends on the sequence there."""

    regulator: str | None = None
    """What binds here; if not given, that of the site it shares with, else one of the site's own name."""
    shares: str | None = None
    """Name of another site whose energy matrix this one shares."""
    matrix: Path | tuple[tuple[float, ...], ...] | None = None
    """Prior energies in kcal/mol: a CSV file with one column a letter, or rows in the alphabet's order."""

    @model_validator(mode="after")
    def _one_matrix(self) -> Self:
        if self.matrix is not None and self.shares is not None:
            raise ValueError("a site that `shares` a matrix has none of its own")
        if self.matrix is not None and self.encoder != "additive":
            raise ValueError("a prior `matrix` is additive: give no other `encoder`")
        return self


class RegulatorSettings(Config):
    """A molecule that binds sites."""

    concentration: Concentration | None = None
    """Name of an input (which each experiment gives), a number relative to the reference, or constant."""


class InteractionSettings(Config):
    """Free energy gained or lost when two sites are bound at once."""

    kind: Literal["constant", "spacer", "helical"] = "constant"
    """The same always; one value for each distance between sliding sites; or a wave of the helix's period."""
    initial: float | None = Field(default=None, allow_inf_nan=False)
    """Starting value in kcal/mol; random if not given."""
    fixed: bool = False
    """Whether it stays at `initial`."""
    period: float = Field(default=10.5, gt=0)
    """Base pairs a turn, for kind = "helical"."""
    sd: float = Field(default=10.0, gt=0)
    """Standard deviation, in kT, of its Gaussian prior about the initial value (0 if there is none)."""

    @model_validator(mode="after")
    def _fixed_at_a_value(self) -> Self:
        if self.fixed and self.initial is None:
            raise ValueError("a fixed interaction needs its value as `initial`, in kcal/mol")
        return self
