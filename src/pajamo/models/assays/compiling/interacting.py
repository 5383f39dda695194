"""Interactions between bound sites: terms, and the states into which each enters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from pajamo.config.assays import InteractionSettings
from pajamo.errors import StudyError, nearest, shorten
from pajamo.models.assays.blueprint import Term
from pajamo.models.assays.compiling.arranging import Arrangement
from pajamo.models.assays.compiling.columns import Columns
from pajamo.models.assays.compiling.naming import known

Array = NDArray[np.float64]


def joined_sites(name: str, sites: Iterable[str]) -> tuple[str, str]:
    """The two sites that an interaction joins.

    Raises
    ------
    StudyError: its name is not of the form A+B, or A and B are no two sites.
    """
    sites, where = list(sites), f"interactions.{name}"
    parts = name.split("+")
    if len(parts) != 2 or not all(parts):
        pairs = [f"{a}+{b}" for a, b in combinations(sites, 2)]
        raise StudyError(
            f"an interaction cannot be called {name!r}",
            where=where,
            why="its name says which two sites it joins",
            fix=f"{nearest(name, pairs)}write A+B with two of the sites: {shorten(sites)}",
        )
    for part in parts:
        known(part, sites, "site", where)
    if parts[0] == parts[1]:
        raise StudyError(
            f"the site {parts[0]!r} interacts with itself",
            where=where,
            fix="declare a second site for the same regulator, and name both",
        )
    return parts[0], parts[1]


def refuse_mirrored(names: Iterable[str]) -> None:
    """Refuse one interaction under two names: A+B and B+A."""
    seen: dict[frozenset[str], str] = {}
    for name in names:
        first = seen.setdefault(frozenset(name.split("+")), name)
        if first != name:
            raise StudyError(
                f"a name is used twice: {first} and {name} join the same sites",
                where=f"interactions.{name}",
                why="only their sum would be measured",
                fix="remove one of them",
            )


def interaction_columns(
    interactions: Mapping[str, InteractionSettings],
    sites: Iterable[str],
    arrangements: Sequence[Arrangement],
    kT: float,
) -> Columns:
    """Terms of all interactions.

    Raises
    ------
    StudyError: an ill-formed name, sites that are never bound together, or a distance that never varies.
    """
    sites = list(sites)
    refuse_mirrored(interactions)
    parts = [_columns(name, settings, sites, arrangements, kT) for name, settings in interactions.items()]
    blocks = [part.incidence for part in parts]
    return Columns(
        tuple(term for part in parts for term in part.terms),
        np.concatenate([np.zeros((len(arrangements), 0)), *blocks], axis=1),
    )


def interaction_term(name: str, settings: InteractionSettings, kT: float) -> Term:
    """The energy itself, in kT; its declaration gives kcal/mol."""
    initial = None if settings.initial is None else settings.initial / kT
    return Term(name, "kT", initial=initial, fixed=settings.fixed, sd=settings.sd)


def _columns(
    name: str,
    settings: InteractionSettings,
    sites: Sequence[str],
    arrangements: Sequence[Arrangement],
    kT: float,
) -> Columns:
    first, second = joined_sites(name, sites)
    distances = _distances(first, second, arrangements)
    together = ~np.isnan(distances)
    if not together.any():
        raise StudyError(
            f"{first} and {second} are never bound together",
            where=f"interactions.{name}",
            why="no state binds both, so that their interaction changes nothing",
            fix=f"add a state that binds {first} and {second}, or remove the interaction",
        )
    if settings.kind == "constant":
        return Columns((interaction_term(name, settings, kT),), together[:, None].astype(float))
    different = np.unique(distances[together])
    if len(different) == 1:
        raise StudyError(
            f"the distance between {first} and {second} is always {different[0]:.0f}",
            where=f"interactions.{name}.kind",
            why=f"an interaction of kind {settings.kind!r} depends on it",
            fix='let one of the sites slide, or give `kind = "constant"`',
        )
    return (
        _spacer(name, settings, distances, kT)
        if settings.kind == "spacer"
        else _helical(name, settings, distances, kT)
    )


def _distances(first: str, second: str, arrangements: Sequence[Arrangement]) -> Array:
    """Start of the second site less that of the first, where both are bound; else nan."""
    distances = np.full(len(arrangements), np.nan)
    for row, arrangement in enumerate(arrangements):
        start = {placement.site: placement.start for placement in arrangement.placed}
        if first in start and second in start:
            distances[row] = start[second] - start[first]
    return distances


def _spacer(name: str, settings: InteractionSettings, distances: Array, kT: float) -> Columns:
    different = np.unique(distances[~np.isnan(distances)])
    terms = [interaction_term(f"{name}@{distance:.0f}", settings, kT) for distance in different]
    return Columns(tuple(terms), (distances[:, None] == different).astype(float))


def _helical(name: str, settings: InteractionSettings, distances: Array, kT: float) -> Columns:
    """E(d) = constant + cosine cos(2 pi d / period) + sine sin(2 pi d / period): amplitude and phase, linearly."""
    phase = 2 * np.pi * distances / settings.period
    waves = np.stack([np.ones_like(phase), np.cos(phase), np.sin(phase)], axis=1)
    wave = settings.model_copy(update={"initial": 0.0 if settings.fixed else None})
    terms = (
        interaction_term(name, settings, kT),
        interaction_term(f"{name} cosine", wave, kT),
        interaction_term(f"{name} sine", wave, kT),
    )
    return Columns(terms, np.where(np.isnan(distances)[:, None], 0.0, waves))
