"""The space of a search, from what a study says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pajamo.config.assays import (
    AssayStudy,
    ChoiceSettings,
    CutSettings,
    KineticSettings,
    RateSettings,
    RLoopSettings,
    SearchSettings,
)
from pajamo.data.assays.pairs.enzymes import enzyme_of
from pajamo.errors import StudyError, nearest, shorten
from pajamo.search.cycles import choices_of, cycle
from pajamo.search.space import Choice, Space

KEYS = ("start", "length", "kernel", "encoder", "changes")
"""What may vary in the reading of a transition."""


def space_of(study: AssayStudy, settings: SearchSettings, length: int) -> Space:
    """The space that a study describes.

    Raises
    ------
    StudyError: experiments that recorded no rates or cuts of guide-target pairs; a mechanism or transition that there
        is not, one that reads nothing, a mechanism that is no kinetic scheme, a window outside the guide, or nothing
        that varies.
    """
    pam = pam_of(study)
    asked = settings.mechanisms or (() if settings.cycles else tuple(study.mechanisms))
    templates = {name: _kinetic(study, name) for name in asked}
    own = {name: settings.choices.get(name, {}) for name in templates}
    for states in settings.cycles:
        name = f"cycle-{states}"
        templates[name] = _cycle(states, length, pam)
        own[name] = settings.choices.get(name, {}) or choices_of(templates[name], length, pam)
    for name in settings.choices:
        if name not in templates:
            raise StudyError(
                f"choices are given for {name!r}, which is not searched",
                where=f"search.choices.{name}",
                fix=f"{nearest(name, templates)}mechanisms of the search are: {shorten(list(templates)) or 'none'}",
            )
    choices = {name: _choices(templates[name], own[name], name, length) for name in templates}
    if len(templates) < 2 and not any(choices.values()):
        raise StudyError(
            "there is nothing to search",
            where="search",
            why="one mechanism is given, and nothing in it may vary",
            fix="give `choices` for its transitions, other `mechanisms`, or `cycles` of several numbers of states",
        )
    return Space(templates, choices, length)


def pam_of(study: AssayStudy) -> int:
    """Positions of the PAM, the longest where enzymes differ.

    Raises
    ------
    StudyError: an experiment recorded no rates or cuts of guide-target pairs.
    """
    found = []
    for name, experiment in study.experiments.items():
        if experiment.pairs is None or not isinstance(experiment.measurement, RateSettings | CutSettings):
            raise StudyError(
                "a search takes rates or cuts of guide-target pairs",
                where=f"experiments.{name}",
                why="other measurements leave the scale of the activity open, and other sequences have no pairings",
                fix='give `pairs`, and a measurement of kind = "rate" or "cut"; `pajamo run` compares any mechanisms',
            )
        found.append(len(enzyme_of(experiment.pairs.enzyme).pam))
    return max(found)


def _cycle(states: int, length: int, pam: int) -> KineticSettings:
    if not 3 <= states <= 12:
        raise StudyError(
            f"a cycle of {states} states cannot be searched",
            where="search.cycles",
            why="the least is unbound, bound and ready to cut; beyond 12, steps are shorter than a window",
            fix="give numbers from 3 to 12",
        )
    return cycle(states, length, pam)


def _kinetic(study: AssayStudy, name: str) -> KineticSettings:
    if name not in study.mechanisms:
        raise StudyError(
            f"there is no mechanism {name!r}",
            where="search.mechanisms",
            fix=f"{nearest(name, study.mechanisms)}declared are: {shorten(list(study.mechanisms)) or 'none'}",
        )
    settings = study.mechanisms[name]
    if not isinstance(settings, KineticSettings) or isinstance(settings, RLoopSettings):
        raise StudyError(
            f"{name!r} is no kinetic scheme",
            where=f"mechanisms.{name}",
            why="a search varies which part of the sequence the rates of a scheme read",
            fix='declare it with kind = "kinetic", or leave it out of `search.mechanisms`',
        )
    return settings


def _choices(
    template: KineticSettings, given: Mapping[str, ChoiceSettings], mechanism: str, length: int
) -> tuple[Choice, ...]:
    found = []
    for transition, settings in given.items():
        where = f'search.choices.{mechanism}."{transition}"'
        if transition not in template.transitions:
            raise StudyError(
                f"the scheme has no transition {transition!r}",
                where=where,
                fix=f"{nearest(transition, template.transitions)}it has: {shorten(list(template.transitions))}",
            )
        if template.transitions[transition].reads is None:
            raise StudyError(
                f"the transition {transition!r} reads nothing",
                where=where,
                why="what varies is which part of the sequence a rate reads, and how",
                fix="give it `reads` in the mechanism",
            )
        for key in KEYS:
            options = _options(getattr(settings, key), key)
            _require_inside(key, options, length, where)
            if len(options) > 1:
                found.append(Choice(transition, key, options))
    return tuple(found)


def _options(given: Sequence[Any] | None, key: str) -> tuple[Any, ...]:
    if given is None:
        return ()
    return tuple(range(given[0], given[1] + 1)) if key in ("start", "length") else tuple(given)


def _require_inside(key: str, options: Sequence[Any], length: int, where: str) -> None:
    if key == "start" and options and options[-1] >= length:
        raise StudyError(
            f"a window may start at {options[-1]}, outside the guide",
            where=f"{where}.start",
            why=f"guides have positions 0 to {length - 1}, counted from the outer end of the PAM",
            fix=f"let the last start be {length - 1} at most",
        )
