"""Outputs that say when molecules arrive: from which state to which, once every one of them can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pajamo.config.assays import KineticSettings
from pajamo.config.assays.kinetic import PassageSettings
from pajamo.config.assays.reading import TIME
from pajamo.errors import StudyError, shorten
from pajamo.mechanisms.kinetics.connectivity import reachable
from pajamo.mechanisms.kinetics.passage import Passage
from pajamo.mechanisms.kinetics.scheme import Scheme
from pajamo.models.assays.blueprint import Array
from pajamo.models.assays.compiling.naming import refuse_repeated
from pajamo.models.assays.compiling.supplying import Fitted


def compile_passages(settings: KineticSettings, scheme: Scheme) -> dict[str, Passage]:
    """Outputs that are rates of first passage.

    Raises
    ------
    StudyError: a state that the scheme does not have, a start that is a target, no way to a target, or a state on the
        way from which no target is ever reached: the mean time would be infinite.
    """
    found = {}
    for name, declared in settings.passages.items():
        where = f"passages.{name}"
        found[name] = _passage(declared, scheme, where)
        lost = _lost(found[name], scheme)
        if lost:
            raise StudyError(
                f"some molecules never come from {declared.start!r} to {shorten(declared.to)}",
                where=where,
                why=f"there is no way on from {shorten(lost)}, so that the mean time is infinite",
                fix="add a transition back, count these states among `to`, or record `fractions`",
            )
    return found


def compile_fractions(settings: KineticSettings, scheme: Scheme) -> dict[str, Passage]:
    """Outputs that are the share of molecules that have arrived by a time.

    Raises
    ------
    StudyError: as for passages, but for states without a way on.
    """
    return {
        name: _passage(declared, scheme, f"fractions.{name}") for name, declared in settings.fractions.items()
    }


def with_time(inputs: Mapping[str, Array], settings: KineticSettings, fitted: Fitted) -> dict[str, Array]:
    """The inputs of a scheme, and the time, which multiplies no rate, where fractions are recorded.

    Raises
    ------
    StudyError: the time is to be estimated.
    """
    if not settings.fractions:
        return dict(inputs)
    for key, experiment in fitted:
        if key == TIME:
            raise StudyError(
                "the time of a fraction cannot be estimated",
                where=f"experiments.{experiment}.inputs.{TIME}",
                why="only the products of time and rates are measured",
                fix="give the time as a number, or the column that holds it",
            )
    return {**inputs, TIME: inputs.get(TIME, np.zeros(len(settings.transitions)))}


def _passage(declared: PassageSettings, scheme: Scheme, where: str) -> Passage:
    refuse_repeated(declared.to, where, "a state ends the passage once")
    if declared.start in declared.to:
        raise StudyError(
            f"the passage starts where it ends, in {declared.start!r}",
            where=where,
            why="molecules would have arrived before they set out",
            fix=f"give another `start`, or other states as `to`: {shorten(scheme.states)}",
        )
    passage = Passage(declared.start, declared.to)
    if not set(declared.to) & set(_met(passage, scheme)):
        raise StudyError(
            "the scheme is without a path to the product",
            where=where,
            why=f"from {declared.start!r} molecules come to {shorten(_met(passage, scheme)) or 'no other state'}, "
            f"never to {shorten(declared.to)}",
            fix="add the transitions that are missing, or name other states",
        )
    return passage


def _met(passage: Passage, scheme: Scheme) -> Sequence[str]:
    """States to which a molecule may come until it arrives, where it arrives among them."""
    after = _reached(passage, scheme)[scheme.state(passage.start)]
    return [name for name in scheme.states if after >> scheme.state(name) & 1 and name != passage.start]


def _lost(passage: Passage, scheme: Scheme) -> Sequence[str]:
    """States on the way from which no target is reached."""
    after = _reached(passage, scheme)
    targets = sum(1 << scheme.state(name) for name in passage.targets)
    return [name for name in _met(passage, scheme) if not after[scheme.state(name)] & targets]


def _reached(passage: Passage, scheme: Scheme) -> list[int]:
    """For each state those that can be met from there; a passage ends at its targets."""
    ends = [
        (source, target) for source, target in scheme.ends if scheme.states[source] not in passage.targets
    ]
    return reachable(len(scheme.states), ends)
