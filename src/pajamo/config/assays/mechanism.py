"""The [mechanisms.NAME] tables of a study: states in quasi-equilibrium, a kinetic scheme, or no mechanism."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from pajamo.config.assays.kinetic import KineticSettings, RLoopSettings
from pajamo.config.assays.reading import (
    BODY_TEMPERATURE,
    TIME,
    Rate,
    ReadingSettings,
)
from pajamo.config.assays.sites import InteractionSettings, RegulatorSettings, SiteSettings
from pajamo.config.strict import Config, parse
from pajamo.errors import StudyError, nearest


class StateSettings(Config):
    """One arrangement of bound sites."""

    bound: tuple[str, ...] = ()
    """Names of the sites that are bound in this state."""
    rate: Rate = 0.0
    """How active the state is: a number, or a name; states that share a name share a rate."""


class ThermodynamicSettings(Config):
    """States in quasi-equilibrium, each with its Boltzmann weight.

    In a study file and in Python the same words say the same; the four states of the lac promoter::

        [mechanisms.lac]                              declare(
        kind = "thermodynamic"                            "thermodynamic",
        sites.CRP = {start = 1, length = 26}              sites={"CRP": {"start": 1, "length": 26},
        sites.RNAP = {start = 34, length = 41}                   "RNAP": {"start": 34, "length": 41}},
        interactions."CRP+RNAP" = {}                      interactions={"CRP+RNAP": {}},
        transcribes = ["RNAP"]                            transcribes=["RNAP"])
    """

    kind: Literal["thermodynamic"] = "thermodynamic"
    """The class of mechanism."""
    temperature: float = Field(default=BODY_TEMPERATURE, gt=0)
    """Kelvin; sets kT in kcal/mol."""
    sites: dict[str, SiteSettings]
    """Sites by name."""
    regulators: dict[str, RegulatorSettings] = Field(default_factory=dict)
    """Regulators by name, where their concentration is to be given."""
    interactions: dict[str, InteractionSettings] = Field(default_factory=dict)
    """Interactions by the two sites that they join, as in "CRP+RNAP"."""
    states: dict[str, StateSettings] = Field(default_factory=dict)
    """States by name; every arrangement of sites that do not overlap, if not given."""
    transcribes: tuple[str, ...] = ()
    """Where states are not given: those in which all of these sites are bound are active."""
    outputs: dict[str, dict[str, Rate]] = Field(default_factory=dict)
    """Several phenotypes: for each the rate of every state that contributes; [states] `rate` if not given."""

    @model_validator(mode="after")
    def _says_what_is_active(self) -> Self:
        if not self.sites:
            raise ValueError("a thermodynamic mechanism needs at least one site")
        rated = any(state.rate for state in self.states.values())
        if sum([rated, bool(self.transcribes), bool(self.outputs)]) > 1 or (self.states and self.transcribes):
            raise ValueError("say once what is active: `transcribes`, `rate` of [states], or `outputs`")
        if not self.states and not self.transcribes and not self.outputs:
            raise ValueError("give `states`, or say with `transcribes` which sites must be bound")
        return self


class LatentSettings(Config):
    """No mechanism: one number set by the sequence, seen through the measurement. The usual comparison."""

    kind: Literal["latent"] = "latent"
    """The class of mechanism."""
    reads: ReadingSettings = ReadingSettings()
    """How the sequence sets the number."""
    sequence: bool = True
    """False for a number that is the same for every sequence: what is known without any model."""


MechanismSettings: TypeAlias = Annotated[
    ThermodynamicSettings | KineticSettings | RLoopSettings | LatentSettings, Field(discriminator="kind")
]
KINDS: dict[str, type[ThermodynamicSettings | KineticSettings | LatentSettings]] = {
    "thermodynamic": ThermodynamicSettings,
    "kinetic": KineticSettings,
    "r-loop": RLoopSettings,
    "latent": LatentSettings,
}


def declare(kind: str, /, **declaration: Any) -> MechanismSettings:
    """Declare a mechanism in Python with the words of a study file; see the settings of each kind.

    Raises
    ------
    StudyError: an unknown kind or key, or a value that cannot be.
    """
    return parse_mechanism({"kind": kind, **declaration})


def parse_mechanism(raw: Mapping[str, Any], where: str = "mechanism") -> MechanismSettings:
    """Check a mechanism given as nested tables.

    Raises
    ------
    StudyError: an unknown kind or key, or a value that cannot be.
    """
    kind = str(raw.get("kind"))
    if kind not in KINDS:
        raise StudyError(
            f"there is no kind of mechanism {kind!r}",
            where=f"{where}.kind",
            fix=f"{nearest(kind, KINDS)}kind is one of: {', '.join(KINDS)}",
        )
    return parse(KINDS[kind], raw, where)


def inputs_of(settings: MechanismSettings) -> set[str]:
    """Names of the inputs that a mechanism takes from experiments."""
    if isinstance(settings, ThermodynamicSettings):
        given = [regulator.concentration for regulator in settings.regulators.values()]
    elif isinstance(settings, KineticSettings):
        given = [transition.concentration for transition in settings.transitions.values()]
        given += [TIME] if settings.fractions else []
    else:
        given = []
    return {name for name in given if isinstance(name, str)}
