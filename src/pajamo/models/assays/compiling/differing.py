"""What experiments of one R-loop have of their own: rates, offsets, costs of an enzyme, shorter guides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from pajamo.config.assays import RLoopSettings
from pajamo.config.assays.kinetic import AT_PAM, BINDING, CUTTING, LOOP, ZIPPING
from pajamo.config.assays.reading import ReadingSettings
from pajamo.data.assays.assay import Assay
from pajamo.errors import StudyError
from pajamo.models.assays.blueprint import Reader, Term
from pajamo.models.assays.compiling.paces import VARIES

RATES = {BINDING: (3.0, 1.0), ZIPPING: (3.0, 2.0), CUTTING: (0.0, 2.0)}
"""Prior mean and standard deviation of ln of each rate in 1/s. Zipping and binding are faster than cutting can tell
apart: what is measured of them is how they compare with cutting."""
ENERGIES = ("PAM", "level")
COSTS = "costs"
STEP = "step "
LESS = "base pairs less"


@dataclass(frozen=True)
class OwnSteps:
    """Differences of the steps of some enzymes from those that all share: terms, and what reads them."""

    terms: tuple[Term, ...] = ()
    readers: Mapping[str, Reader] = field(default_factory=dict)


def reading(settings: RLoopSettings, unlike: float | None = None) -> ReadingSettings:
    """How steps are read: their energies, or how far those of an enzyme differ."""
    return ReadingSettings(encoder="steps", pam=settings.pam, any_base=settings.any_base, unlike=unlike)


def step_terms(settings: RLoopSettings) -> tuple[Term, ...]:
    """The free energy of each step that all experiments share."""
    names = (AT_PAM, *map(str, range(1, settings.steps + 1)))
    return tuple(Term(STEP + name, "kT", encoder=LOOP, part=part) for part, name in enumerate(names))


def own_constants(settings: RLoopSettings, assay: Assay) -> tuple[Term, ...]:
    """What each experiment has of its own, as a difference from what they share."""
    names = [experiment.name for experiment in assay.experiments]
    if len(names) < 2:
        return ()
    return tuple(
        Term(
            f"{what} in {name}",
            "kT" if what in ENERGIES else "ln(1/s)",
            initial=0.0,
            sd=VARIES,
            experiment=name,
        )
        for what in settings.varies
        if what != COSTS
        for name in names
    )


def own_steps(settings: RLoopSettings, assay: Assay) -> OwnSteps:
    """What each enzyme's steps differ from those that all share.

    Raises
    ------
    StudyError: several experiments, and all of one enzyme.
    """
    if COSTS not in settings.varies or len(assay.experiments) < 2:
        return OwnSteps()
    members: dict[str, list[str]] = {}
    for experiment in assay.experiments:
        members.setdefault(experiment.enzyme, []).append(experiment.name)
    if len(members) < 2:
        raise _one_enzyme(next(iter(members)))
    reads = reading(settings, settings.unlike)
    readers = {_within(LOOP, e): Reader(reads, assay.length, None, tuple(own)) for e, own in members.items()}
    terms = tuple(
        replace(term, name=_within(term.name, enzyme), encoder=_within(LOOP, enzyme))
        for enzyme in members
        for term in step_terms(settings)
    )
    return OwnSteps(terms, readers)


def lacking(settings: RLoopSettings, assay: Assay) -> tuple[Term, ...]:
    """How many base pairs fewer than the longest the guides of an experiment have."""
    return tuple(
        Term(
            _within(LESS, e.name),
            "",
            initial=float(settings.steps - settings.shorter[e.name]),
            fixed=True,
            experiment=e.name,
        )
        for e in assay.experiments
        if e.name in settings.shorter
    )


def enters(what: str, steps: int) -> np.ndarray:
    """How a difference enters the free energies of the steps and the three rates, shape (steps + 3,)."""
    found = np.zeros(steps + len(RATES))
    if what == "level":
        found[1:steps] = 1.0
    elif what in RATES:
        found[steps + list(RATES).index(what)] = 1.0
    elif what != LESS:
        place = what.removeprefix(STEP)
        found[0 if place == AT_PAM else int(place)] = 1.0
    return found


def _within(name: str, where: str) -> str:
    return f"{name} in {where}"


def _one_enzyme(name: str) -> StudyError:
    return StudyError(
        f"all experiments are of one enzyme, {name or 'unnamed'}",
        where="varies",
        why='with "costs" each enzyme differs in what mismatches cost; experiments of one enzyme share that',
        fix='leave "costs" out, or give experiments their enzyme (`pairs.enzyme`)',
    )
