"""A directed kinetic scheme: states, and the transitions between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from pajamo.errors import StudyError, nearest, shorten
from pajamo.mechanisms.kinetics.connectivity import closed_classes


@dataclass(frozen=True)
class Scheme:
    """The states of a molecule (a promoter, an enzyme) and the transitions by which it moves between them.

    It must have one steady state: whatever the rates, the molecule ends in the same set of states, the recurrent
    ones, and does not leave it. States that it leaves for good are transient: allowed, and empty at steady state.

    Parameters
    ----------
    states: names, each once.
    transitions: (source, target), each once; the order of rates in every array is theirs.

    Raises
    ------
    StudyError: no states, a name used twice, a transition from or to a state that is not listed, from a state
        to itself or given twice, or a scheme that is not connected, so that where it ends depends on where it
        began.
    """

    states: tuple[str, ...]
    transitions: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        _refuse_names(self.states)
        _refuse_transitions(self.states, self.transitions)
        classes = closed_classes(len(self.states), self.ends)
        if len(classes) > 1:
            raise _not_connected(self, classes)

    @cached_property
    def ends(self) -> tuple[tuple[int, int], ...]:
        """Positions of source and target of each transition."""
        position = {name: i for i, name in enumerate(self.states)}
        return tuple((position[source], position[target]) for source, target in self.transitions)

    @cached_property
    def sources(self) -> tuple[int, ...]:
        """Position of the state that each transition leaves."""
        return tuple(source for source, _ in self.ends)

    @cached_property
    def reverses(self) -> tuple[int | None, ...]:
        """Position of the transition that undoes each one; None where it is irreversible."""
        position = {ends: i for i, ends in enumerate(self.ends)}
        return tuple(position.get((target, source)) for source, target in self.ends)

    @cached_property
    def pairs(self) -> tuple[tuple[int, int | None], ...]:
        """Each transition with its reverse, once: the one that is listed first stands first."""
        return tuple(
            (i, reverse) for i, reverse in enumerate(self.reverses) if reverse is None or reverse > i
        )

    @cached_property
    def recurrent(self) -> tuple[str, ...]:
        """States that are occupied at steady state."""
        (only,) = closed_classes(len(self.states), self.ends)
        return tuple(self.states[i] for i in only)

    @property
    def transient(self) -> tuple[str, ...]:
        """States that are left for good, and so are empty at steady state."""
        return tuple(name for name in self.states if name not in self.recurrent)

    def state(self, name: str) -> int:
        """Position of a state.

        Raises
        ------
        StudyError: the scheme has no such state.
        """
        if name not in self.states:
            raise _unknown(name, self.states, "")
        return self.states.index(name)

    def transition(self, source: str, target: str) -> int:
        """Position of a transition.

        Raises
        ------
        StudyError: the scheme has no such transition.
        """
        ends = (self.state(source), self.state(target))
        if ends not in self.ends:
            raise StudyError(
                f"a kinetic scheme has no transition {source} -> {target}",
                where=f"its transitions: {shorten(_arrows(self.transitions))}",
                fix="add the transition, or name one that exists",
            )
        return self.ends.index(ends)


def _arrows(transitions: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{source} -> {target}" for source, target in transitions]


def _refuse_names(states: tuple[str, ...]) -> None:
    if not states:
        raise StudyError("a kinetic scheme has no states", fix="list at least one state")
    twice = [name for name, count in Counter(states).items() if count > 1]
    if twice:
        raise StudyError(
            f"a kinetic scheme has two states of one name: {shorten(twice)}",
            where=f"states {shorten(states)}",
            why="a transition that names it could mean either",
            fix="give each state a name of its own",
        )


def _refuse_transitions(states: tuple[str, ...], transitions: tuple[tuple[str, str], ...]) -> None:
    for source, target in transitions:
        for name in (source, target):
            if name not in states:
                raise _unknown(name, states, f"transition {source} -> {target}")
        if source == target:
            raise StudyError(
                f"a transition of a kinetic scheme leads from {source} to itself",
                why="it changes nothing, so that its rate cannot be known",
                fix="remove it",
            )
    twice = [ends for ends, count in Counter(transitions).items() if count > 1]
    if twice:
        raise StudyError(
            f"a kinetic scheme gives a transition twice: {shorten(_arrows(twice))}",
            why="only the sum of the two rates would matter",
            fix="keep one of them; its rate may be a sum",
        )


def _unknown(name: str, states: tuple[str, ...], where: str) -> StudyError:
    return StudyError(
        f"a kinetic scheme has no state {name!r}",
        where=where or f"states {shorten(states)}",
        fix=f"{nearest(name, states)}its states are {shorten(states)}",
    )


def _not_connected(scheme: Scheme, classes: list[tuple[int, ...]]) -> StudyError:
    named = [shorten([scheme.states[i] for i in members]) for members in classes]
    return StudyError(
        "a kinetic scheme is not connected: it has no unique steady state",
        where="; ".join(f"no transition leaves the set {{{members}}}" for members in named),
        why=f"a molecule that is in one of these {len(classes)} sets never reaches another, "
        "so that where it ends depends on where it began",
        fix="add a transition out of all but one of them, or make a scheme of each",
    )
