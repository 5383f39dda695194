"""The [protocol] table of a study: what was done to the cells, step by step."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from pajamo.config.strict import Config

Share = Annotated[float, Field(gt=0, le=1)]
Time = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Edits(Config):
    targets: tuple[str, ...] = ()
    """Genes or drugs that are edited in cells whose label names them; all that no other step names, if not given."""
    kind: Literal["knockout", "crispri", "crispra", "shift", "clamp"]
    """What the edit does to its target's own production."""
    strength: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    """Share of production taken (crispri) or added (crispra); level per unit of time (shift); level (clamp)."""
    efficiency: Share = 1.0
    """Share of the cells in which the edit took place; the others stay as they were."""
    persistence: Time | None = None
    """How long the edit acts; for good if not given."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.kind == "crispri" and self.strength > 1:
            raise ValueError("crispri takes at most the whole production: `strength` is a share, 0 to 1")
        if self.kind == "knockout" and self.persistence is not None:
            raise ValueError(
                "a knockout is for good and has no `persistence`; what wears off is kind = 'crispri', strength = 1"
            )
        return self


class CultureStep(Config):
    """Cells are kept in a medium in which unperturbed cells do not change."""

    do: Literal["culture"] = "culture"
    """The operation."""
    medium: str = ""
    """Name of the medium."""
    duration: Time | None = None
    """How long; until the cells were measured, if not given."""


class DifferentiateStep(Config):
    """Cells are kept in a medium in which unperturbed cells change."""

    do: Literal["differentiate"] = "differentiate"
    """The operation."""
    medium: str = ""
    """Name of the medium."""
    duration: Time | None = None
    """How long; until the cells were measured, if not given."""


class PerturbStep(_Edits):
    """Edits are made in the dish; the steps that follow say how long the cells are kept."""

    do: Literal["perturb"] = "perturb"
    """The operation."""
    onset: Time
    """Delay between delivery and effect; 0 for an edit that acts at once."""


class TransplantStep(Config):
    """Cells go into an animal (or live there already), whose niche nobody controls."""

    do: Literal["transplant"] = "transplant"
    """The operation."""
    niche: str
    """Name of the niche: a medium of its own that is not known."""
    duration: Time | None = None
    """How long; until the cells were measured, if not given."""


class DeliverStep(_Edits):
    """Edits are delivered in the animal, and take effect at different times in different cells."""

    do: Literal["deliver"] = "deliver"
    """The operation."""
    onset: Literal["uniform", "exponential", "gamma"]
    """Density of the delay between delivery and effect; a uniform one reaches from 0 to twice its mean."""
    onset_mean: float = Field(gt=0, allow_inf_nan=False)
    """Mean of that density."""
    onset_shape: float = Field(default=2.0, gt=0, allow_inf_nan=False)
    """Shape of a gamma density."""


class MeasureStep(Config):
    """Cells are taken to the instrument; nothing can follow."""

    do: Literal["measure"] = "measure"
    """The operation."""
    instrument: str = ""
    """Name of the instrument or chemistry."""
    batch: str | None = None
    """Column of obs with the batch, if [data] names none."""


StepSettings: TypeAlias = Annotated[
    CultureStep | DifferentiateStep | PerturbStep | TransplantStep | DeliverStep | MeasureStep,
    Field(discriminator="do"),
]


class ProtocolSettings(Config):
    """What was done to the cells, in the order in which it was done."""

    time_unit: Literal["second", "minute", "hour", "day", "week"] | None = None
    """Unit of every time in the protocol and in the screen's time column."""
    clock: Literal["perturbation", "start"] = "perturbation"
    """What the screen's time column counts from: the delivery of the first perturbation, or the first step."""
    steps: tuple[StepSettings, ...] = ()
    """What was done to cells of every context that has no steps of its own."""
    arms: dict[str, tuple[StepSettings, ...]] = Field(default_factory=dict)
    """Steps by value of the context column, where contexts were treated differently."""
    controls: tuple[StepSettings, ...] = ()
    """Steps of the control cells, if they went through something else than the perturbed cells."""
    contexts: Literal["cells", "treatments"] | None = None
    """What contexts tell apart: cells (lines, donors), each with media of its own, or treatments of the same cells,
    which share media of the same name. Treatments where there are arms, if not given."""
    accept: tuple[str, ...] = ()
    """Assumptions that you take responsibility for although the protocol speaks against them."""
