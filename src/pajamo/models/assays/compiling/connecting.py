"""The graph of a kinetic scheme, once it is known to lead somewhere, and that every state of it is seen."""

from __future__ import annotations

from pajamo.config.assays import KineticSettings
from pajamo.errors import StudyError, shorten
from pajamo.mechanisms.kinetics.connectivity import reachable
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
    StudyError: a name that is used twice or is not of the form A->B, an unknown state, a state that is never reached,
        a scheme in which the end depends on the beginning, or one that leaves states for good although outputs are
        declared that count its steady state.
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
    _check_passages(settings)
    _check_reached(settings, ends)
    scheme = _scheme(settings, ends)
    if scheme.transient:
        _refuse_steady_outputs(settings, scheme)
    return scheme


def _refuse_steady_outputs(settings: KineticSettings, scheme: Scheme) -> None:
    """Where molecules end in some states for good, steady state says nothing of the others: only arrivals do."""
    made = [name for transition in settings.transitions.values() for name in transition.makes]
    steady, arrivals = [*settings.outputs, *made], [*settings.passages, *settings.fractions]
    left, end = shorten(scheme.transient), shorten(scheme.recurrent)
    if not arrivals:
        raise StudyError(
            f"the scheme leaves {left} for good",
            where=f"states.{scheme.transient[0]}",
            why="at steady state nothing is there, so that rates from there are never seen",
            fix=f"add a transition back from {end}, remove the state, or record when molecules arrive (`passages`)",
        )
    if steady:
        raise StudyError(
            f"the output {steady[0]!r} is the same for every sequence: the scheme leaves {left} for good",
            where="outputs",
            why=f"at steady state every molecule is in {end}, whatever the rates",
            fix=f"record `passages` or `fractions` only, or add a transition back from {end}",
        )
    _refuse_unmet(settings, scheme)


def _refuse_unmet(settings: KineticSettings, scheme: Scheme) -> None:
    """Every state can be met from where some molecule sets out."""
    starts = [p.start for p in [*settings.passages.values(), *settings.fractions.values()]]
    reached = reachable(len(scheme.states), scheme.ends)
    met = {i for start in starts for i in range(len(reached)) if reached[scheme.state(start)] >> i & 1}
    unmet = [name for place, name in enumerate(scheme.states) if place not in met]
    if unmet:
        raise StudyError(
            f"no molecule ever comes to {shorten(unmet)}",
            where=f"states.{unmet[0]}",
            why=f"they set out in {shorten(sorted(set(starts)))}",
            fix="add a transition that leads there, or remove the state",
        )


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


def _check_passages(settings: KineticSettings) -> None:
    for table, declared in (("passages", settings.passages), ("fractions", settings.fractions)):
        for name, passage in declared.items():
            for state in (passage.start, *passage.to):
                known(state, settings.states, "state", f"{table}.{name}")


def _check_reached(settings: KineticSettings, ends: tuple[tuple[str, str], ...]) -> None:
    entered = {target for _, target in ends}
    entered |= {passage.start for passage in [*settings.passages.values(), *settings.fractions.values()]}
    for state in settings.states:
        if state not in entered and len(settings.states) > 1:
            raise StudyError(
                f"the state {state!r} is unreachable: no transition leads into it",
                where=f"states.{state}",
                why="nothing is ever there",
                fix=f'add a transition "...{ARROW}{state}", or remove the state',
            )


def _scheme(settings: KineticSettings, ends: tuple[tuple[str, str], ...]) -> Scheme:
    try:
        return Scheme(settings.states, ends)
    except StudyError as error:
        where = f"transitions: {error.where}" if error.where else "transitions"
        raise StudyError(error.what, where=where, why=error.why, fix=error.fix) from None
