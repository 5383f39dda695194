"""The graph of a kinetic scheme, once it is known to have one steady state in which every state is occupied."""

from __future__ import annotations

from pajamo.config.assays import KineticSettings
from pajamo.errors import StudyError, shorten
from pajamo.mechanisms.kinetics.scheme import Scheme
from pajamo.models.assays.compiling.naming import known, refuse_repeated, refuse_reserved

ARROW = "->"


def ends_of(name: str) -> tuple[str, str]:
    """The two states that a transition joins, by its name."""
    source, target = (part.strip() for part in name.split(ARROW))
    return source, target


def connect(settings: KineticSettings) -> Scheme:
    """States and transitions as a scheme.

    Raises
    ------
    StudyError: a name that is used twice or is not of the form A->B, an unknown state, a state that is never reached
        or is left for good, or a scheme in which the end depends on the beginning.
    """
    refuse_reserved(settings.states, "state", "states")
    refuse_repeated(settings.states, "states", "a transition that names it could mean either")
    for name in settings.transitions:
        _check_name(name, settings)
    ends = tuple(ends_of(name) for name in settings.transitions)
    refuse_repeated(
        [f"{source}{ARROW}{target}" for source, target in ends],
        "transitions",
        "only the sum of the two rates would matter",
    )
    _check_reached(settings, ends)
    scheme = _scheme(settings, ends)
    if scheme.transient:
        raise StudyError(
            f"the scheme leaves {shorten(scheme.transient)} for good",
            where=f"states.{scheme.transient[0]}",
            why="at steady state nothing is there, so that rates from there are never seen",
            fix=f"add a transition back from {shorten(scheme.recurrent)}, or remove the state",
        )
    return scheme


def _check_name(name: str, settings: KineticSettings) -> None:
    where = f"transitions.{name}"
    parts = [part.strip() for part in name.split(ARROW)]
    if len(parts) != 2 or not all(parts):
        raise StudyError(
            f"a transition cannot be called {name!r}",
            where=where,
            why="its name says from which state it leads to which",
            fix=f'write "A->B" with two of the states: {shorten(settings.states)}',
        )
    for part in parts:
        known(part, settings.states, "state", where)
    if parts[0] == parts[1]:
        raise StudyError(
            f"a transition leads from {parts[0]!r} to itself",
            where=where,
            why="it changes nothing, so that its rate is never seen",
            fix="remove it",
        )


def _check_reached(settings: KineticSettings, ends: tuple[tuple[str, str], ...]) -> None:
    entered = {target for _, target in ends}
    for state in settings.states:
        if state not in entered and len(settings.states) > 1:
            raise StudyError(
                f"the state {state!r} is unreachable: no transition leads into it",
                where=f"states.{state}",
                why="at steady state nothing is there",
                fix=f'add a transition "...{ARROW}{state}", or remove the state',
            )


def _scheme(settings: KineticSettings, ends: tuple[tuple[str, str], ...]) -> Scheme:
    try:
        return Scheme(settings.states, ends)
    except StudyError as error:
        where = f"transitions: {error.where}" if error.where else "transitions"
        raise StudyError(error.what, where=where, why=error.why, fix=error.fix) from None
