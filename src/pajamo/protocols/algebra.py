"""What can be said of words of operators without any model: their laws, their controls, their other orders."""

from __future__ import annotations

from itertools import pairwise

from pajamo.data.history import Word


def commuted(word: Word, first: int, second: int) -> tuple[Word, Word]:
    """The word and the same with two of its operators exchanged (positions count from 0).

    What a model says of the two states differs by the commutator, which for short operators is
    h^2 (Df_b f_a - Df_a f_b): the order matters unless the drifts commute. Steps of a protocol, whose edits
    persist through later steps, are exchanged by `Protocol.swapped` instead.

    Raises
    ------
    IndexError: the word has no such operator.
    """
    segments = list(word.segments)
    segments[first], segments[second] = segments[second], segments[first]
    return word.normal(), Word(tuple(segments)).normal()


def edits_only_grow(word: Word) -> bool:
    """Whether every edit, once it acts, acts until the end: true of all words without a transient edit."""
    return all(before.edits <= after.edits for before, after in pairwise(word.segments))


def order_matters(word: Word, *, resting: bool = True) -> bool:
    """Whether the word holds operators that need not commute.

    Operators commute if they are the same but for their time. With `resting`, unperturbed cells do not change in
    their first medium, so that the time before the first edit is no operation; in a medium that differentiates
    them it is one.
    """
    segments = list(word.normal())
    while (
        resting and len(segments) > 1 and not segments[0].edits and segments[0].medium == segments[1].medium
    ):
        del segments[0]
    return len(segments) > 1
