"""Free energies in the rates of a kinetic scheme: what is added to ln of each."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pajamo.config.assays import KineticSettings
from pajamo.errors import StudyError
from pajamo.models.assays.compiling.columns import Columns
from pajamo.models.assays.compiling.interacting import interaction_term, joined_sites, refuse_mirrored
from pajamo.models.assays.compiling.naming import known, refuse_repeated
from pajamo.models.assays.compiling.placing import Placements
from pajamo.models.assays.compiling.windows import refuse_sliding


def energy_columns(settings: KineticSettings, placements: Placements, kT: float) -> Columns:
    """A term for each site and interaction, in the transitions whose rate it slows or speeds.

    Raises
    ------
    StudyError: an unknown energy, one that no rate holds, or a site with several placements.
    """
    _check(settings)
    names = [*settings.sites, *settings.interactions]
    terms = [
        *(placements[name][0].term() for name in settings.sites),
        *(interaction_term(name, interaction, kT) for name, interaction in settings.interactions.items()),
    ]
    rows = [[float(name in t.energy) for name in names] for t in settings.transitions.values()]
    return Columns(tuple(terms), np.array(rows).reshape(len(rows), len(names)))


def _check(settings: KineticSettings) -> None:
    for name, site in settings.sites.items():
        refuse_sliding(site, f"sites.{name}")
    refuse_mirrored(settings.interactions)
    for name, interaction in settings.interactions.items():
        joined_sites(name, settings.sites)
        if interaction.kind != "constant":
            raise StudyError(
                f"the distance between {name.replace('+', ' and ')} never varies",
                where=f"interactions.{name}.kind",
                why=f"an interaction of kind {interaction.kind!r} depends on it",
                fix='give `kind = "constant"`, or declare a thermodynamic mechanism with sites that slide',
            )
    for name, transition in settings.transitions.items():
        where = f"transitions.{name}.energy"
        for energy in transition.energy:
            known(energy, [*settings.sites, *settings.interactions], "site or interaction", where)
        refuse_repeated(transition.energy, where, "an energy enters a rate once")
    used = {energy for transition in settings.transitions.values() for energy in transition.energy}
    _refuse_unused("sites", settings.sites, used)
    _refuse_unused("interactions", settings.interactions, used)


def _refuse_unused(kind: str, names: Iterable[str], used: set[str]) -> None:
    for name in names:
        if name not in used:
            raise StudyError(
                f"{name!r} enters no rate",
                where=f"{kind}.{name}",
                why="its energy would change nothing",
                fix="name it in `energy` of a transition, or remove it",
            )
