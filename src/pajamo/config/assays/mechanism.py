"""The [mechanisms.NAME] tables of a study: sites, regulators and states, or a kinetic scheme, in a few lines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from pajamo.config.strict import Config, parse
from pajamo.errors import StudyError, nearest

SequenceMap: TypeAlias = Literal["additive", "neighbour", "pairwise", "network", "convolution"]
PairMap: TypeAlias = Literal["additive", "convolution", "smooth", "pooled", "factorised", "network"]
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
    each position deviates a little (pooled), by kind times place (factorised), or by a network."""
    hidden: tuple[int, ...] = (64, 64)
    """Sizes of the hidden layers of a black box."""
    kernel: int = Field(default=3, ge=1)
    """Positions that a kernel spans, on guide-target pairs."""
    knots: int = Field(default=4, ge=1)
    """Knots of a smooth map of guide-target pairs."""
    changes: Literal["to", "kind"] = "to"
    """Substitutions of a guide-target pair are told apart by the target's base, or by both bases."""
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


class TransitionSettings(Config):
    """One transition of a kinetic scheme; ln of its rate is a constant, or is read from the sequence."""

    reads: ReadingSettings | None = None
    """Part of the sequence that sets ln of the rate; a constant if not given."""
    of: str | None = None
    """Name of the constant or reading, so that transitions can share it; its own if not given."""
    energy: tuple[str, ...] = ()
    """Sites and interactions whose free energy, in kT, is added to ln of the rate (as for unbinding)."""
    concentration: Concentration | None = None
    """Name of an input, or a number, that multiplies the rate."""
    rate: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """A known rate in 1/s, which is then not fitted."""
    makes: tuple[str, ...] = ()
    """Outputs that each passage of this transition makes, as "rna"."""
    sd: float = Field(default=10.0, gt=0)
    """Standard deviation of the Gaussian prior on ln of a constant rate about 0."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if self.rate is not None and (self.reads is not None or self.of is not None):
            raise ValueError("a known `rate` is neither read from the sequence nor shared")
        return self


class PassageSettings(Config):
    """From which state a molecule sets out, and where it arrives."""

    start: str
    """State in which it sets out, as a nuclease that is not bound."""
    to: tuple[str, ...] = Field(min_length=1)
    """States of which the first that it comes to ends the passage, as a target that is cut."""


class KineticSettings(Config):
    """A kinetic scheme at steady state, in or out of equilibrium.

    A promoter that a site switches on, and that makes RNA while it is on::

        declare("kinetic", states=["off", "on"], sites={"A": {"start": 10, "length": 8}}, transitions={
            "off->on": {"concentration": "activator"}, "on->off": {"energy": ["A"]}}, outputs={"rna": {"on": 1}})

    Occupancies do not change if all rates are multiplied by one number: without a known `rate` only ratios of rates
    are measured, and the priors alone say in which unit of time they come.
    """

    kind: Literal["kinetic"] = "kinetic"
    """The class of mechanism."""
    temperature: float = Field(default=BODY_TEMPERATURE, gt=0)
    """Kelvin; sets kT in kcal/mol."""
    states: tuple[str, ...]
    """Names of the states."""
    transitions: dict[str, TransitionSettings]
    """Transitions by the two states that they join, as in "free->bound"."""
    sites: dict[str, SiteSettings] = Field(default_factory=dict)
    """Sites whose binding energies enter rates."""
    interactions: dict[str, InteractionSettings] = Field(default_factory=dict)
    """Interactions whose energies enter rates."""
    outputs: dict[str, dict[str, Rate]] = Field(default_factory=dict)
    """Outputs as a rate for each state; those that transitions `makes` need not be listed."""
    passages: dict[str, PassageSettings] = Field(default_factory=dict)
    """Outputs that are rates of first passage: one over the mean time from one state to others, as in single-turnover
    cleavage."""
    fractions: dict[str, PassageSettings] = Field(default_factory=dict)
    """Outputs that are the share of molecules that have arrived by the input `time` (in the unit of the
    rates), as the cleaved fraction of a time course."""


class LatentSettings(Config):
    """No mechanism: one number set by the sequence, seen through the measurement. The usual comparison."""

    kind: Literal["latent"] = "latent"
    """The class of mechanism."""
    reads: ReadingSettings = ReadingSettings()
    """How the sequence sets the number."""
    sequence: bool = True
    """False for a number that is the same for every sequence: what is known without any model."""


MechanismSettings: TypeAlias = Annotated[
    ThermodynamicSettings | KineticSettings | LatentSettings, Field(discriminator="kind")
]
KINDS: dict[str, type[ThermodynamicSettings | KineticSettings | LatentSettings]] = {
    "thermodynamic": ThermodynamicSettings,
    "kinetic": KineticSettings,
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
