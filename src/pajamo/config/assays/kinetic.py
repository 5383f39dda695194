"""Kinetic schemes: states, transitions and what is recorded of them; and the scheme of an R-loop, made by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from pajamo.config.assays.reading import BODY_TEMPERATURE, Concentration, Rate, ReadingSettings
from pajamo.config.assays.sites import InteractionSettings, SiteSettings
from pajamo.config.strict import Config

UNBOUND, AT_PAM, CUT = "unbound", "PAM", "cut"
"""States of an R-loop beside those of so many base pairs."""
BINDING, ZIPPING, CUTTING = "binding", "zipping", "cutting"
"""Rates of its steps forward."""
LOOP = "R-loop"
CLEAVAGE = "cleavage"


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
    varies: tuple[str, ...] = ()
    """Transitions (or what they are rates `of`) whose rate each experiment has to a factor of its own, as different
    enzymes have; what differences between pairs change of it is shared."""
    fractions: dict[str, PassageSettings] = Field(default_factory=dict)
    """Outputs that are the share of molecules that have arrived by the input `time` (in the unit of the
    rates), as the cleaved fraction of a time course."""


class RLoopSettings(KineticSettings):
    """A nuclease that binds a PAM, opens an R-loop base pair by base pair, and cuts (or stays, if it is dead).

    States and transitions follow from the numbers of positions, so that no window has to be chosen; every mismatch
    and bulge has a free energy of its own, which like ones share. Two outputs: "cleavage", one over the mean time
    from unbound to cut, and "binding", the occupancy of a nuclease that cannot cut::

        [mechanisms.cas9]                             declare("r-loop", steps=20, pam=3)
        kind = "r-loop"
    """

    kind: Literal["r-loop"] = "r-loop"  # type: ignore[assignment]
    """The class of mechanism."""
    states: tuple[str, ...] = ()
    """Follow from `steps`: they are not given."""
    transitions: dict[str, TransitionSettings] = Field(default_factory=dict)
    """Follow from `steps`: they are not given."""
    steps: int = Field(default=20, ge=1)
    """Base pairs of the R-loop: positions of the guide without the PAM; of the longest guides of a study."""
    shorter: dict[str, int] = Field(default_factory=dict)
    """Base pairs in experiments whose guides are all shorter, by experiment: their R-loop is cut after its own last
    base pair, and shares the energies of those that it has."""
    pam: int = Field(default=3, ge=1)
    """Positions of the PAM; of the longest PAM where enzymes differ. Base pairs are counted from its inner end."""
    any_base: tuple[int, ...] = (2,)
    """Positions of the PAM, from its outer end, at which any base does: the N of NGG is the last of three."""
    concentration: Concentration | None = None
    """Name of an input, or a number, that multiplies the rate of binding."""
    varies: tuple[Literal["binding", "zipping", "cutting", "PAM", "level", "costs"], ...] = ()
    """What each experiment has of its own, as variants of one nuclease have: rates, the free energy of binding the
    PAM, the level of all steps of the R-loop. Costs of mismatches are shared; with "costs" each enzyme (all
    experiments of one) has differences of its own from them and from the matched steps, and a PAM of its own."""
    unlike: float = Field(default=0.5, gt=0)
    """With "costs": how far enzymes differ, relative to how the shared energies spread. Near 0 enzymes are alike;
    the larger, the less one tells of another."""

    @model_validator(mode="before")
    @classmethod
    def _made_of_steps(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping):
            return raw
        given = {key for key in ("sites", "interactions", "outputs", "passages", "fractions") if raw.get(key)}
        if given:
            raise ValueError(
                f"an R-loop has states and outputs of its own: leave out {', '.join(sorted(given))}"
            )
        made = r_loop(int(raw.get("steps", 20)), raw.get("concentration"))
        for key, value in made.items():
            if raw.get(key) and list(raw[key]) != list(value):
                raise ValueError(f"`{key}` of an R-loop follow from `steps`: leave them out")
        return {**raw, **made}

    @model_validator(mode="after")
    def _free_places_in_the_pam(self) -> Self:
        if any(not 0 <= place < self.pam for place in self.any_base):
            raise ValueError("`any_base` are positions of the PAM, counted from 0 at its outer end")
        if any(not 1 <= pairs < self.steps for pairs in self.shorter.values()):
            raise ValueError(
                "`shorter` says how many base pairs there are, where they are fewer than `steps`"
            )
        return self


def r_loop(steps: int, concentration: Concentration | None) -> dict[str, Any]:
    """States and transitions of an R-loop of so many base pairs, as a study would write them.

    Each step back is as fast as the step forward times exp of the step's free energy in kT.
    """
    states = (UNBOUND, AT_PAM, *(f"{LOOP} {number}" for number in range(1, steps + 1)), CUT)
    transitions: dict[str, Any] = {}
    for number in range(steps + 2):
        pace = BINDING if number == 0 else CUTTING if number == steps + 1 else ZIPPING
        transitions[f"{states[number]}->{states[number + 1]}"] = {"of": pace} | (
            {"concentration": concentration} if number == 0 and concentration is not None else {}
        )
    for number in range(steps + 1):
        transitions[f"{states[number + 1]}->{states[number]}"] = {"of": BINDING if number == 0 else ZIPPING}
    return {"states": states, "transitions": transitions}
