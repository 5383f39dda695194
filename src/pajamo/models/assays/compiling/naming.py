"""Complaints about the names in a declaration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from pajamo.errors import StudyError, nearest, shorten

RESERVED = ("+", "@", "->")
"""They join names: two sites, a site and its place, two states."""


@contextmanager
def within(where: str) -> Iterator[None]:
    """Say of every complaint about a declaration in which table of the study it belongs."""
    try:
        yield
    except StudyError as error:
        inside = f"{where}.{error.where}" if error.where else where
        raise StudyError(error.what, where=inside, why=error.why, fix=error.fix) from None


def known(name: str, names: Iterable[str], kind: str, where: str) -> str:
    """The name itself.

    Raises
    ------
    StudyError: it is not among the names.
    """
    names = list(names)
    if name in names:
        return name
    listed = f"{kind}s: {shorten(names)}" if names else f"no {kind} is declared"
    raise StudyError(f"there is no {kind} {name!r}", where=where, fix=f"{nearest(name, names)}{listed}")


def refuse_repeated(names: Iterable[str], where: str, why: str) -> None:
    """Refuse names that are used twice."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise StudyError(f"a name is used twice: {shorten(twice)}", where=where, why=why, fix="rename one")


def refuse_reserved(names: Iterable[str], kind: str, where: str) -> None:
    """Refuse names that would read as two names."""
    for name in names:
        found = [sign for sign in RESERVED if sign in name]
        if found or not name.strip():
            raise StudyError(
                f"a {kind} cannot be called {name!r}",
                where=f"{where}.{name}",
                why=f"{', '.join(map(repr, RESERVED))} join names, and an empty name says nothing",
                fix=f"give the {kind} a name without them",
            )
