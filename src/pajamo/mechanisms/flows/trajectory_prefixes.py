"""Words of operations as a tree: what several groups of cells went through together is computed once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pajamo.data.history import Segment, Word
from pajamo.errors import ModelError


@dataclass(frozen=True)
class Branch:
    """One distinct continuation of a state of the level before.

    Attributes
    ----------
    parent: position of that state.
    segment: what is done to it.
    """

    parent: int
    segment: Segment


@dataclass(frozen=True)
class Prefixes:
    """All distinct prefixes of a batch of words, level by level.

    Attributes
    ----------
    levels: branches whose parents are the states at the end of the level before; those of the first level are the
        starting states.
    ends: for each word, how many levels it went through and its position in the last of them.
    """

    levels: tuple[tuple[Branch, ...], ...]
    ends: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, words: Sequence[Word], starts: Sequence[int]) -> Prefixes:
        """Prefixes of the shortest equal words; `starts` says from which state each word sets out."""
        levels: list[dict[Branch, int]] = []
        ends = []
        for word, position in zip(words, starts, strict=True):
            segments = word.normal().segments
            levels.extend({} for _ in range(len(segments) - len(levels)))
            for level, segment in zip(levels, segments, strict=False):
                position = level.setdefault(Branch(position, segment), len(level))
            ends.append((len(segments), position))
        return cls(tuple(tuple(level) for level in levels), tuple(ends))


@dataclass(frozen=True)
class Stretch:
    """Branches that differ in duration only: one integration passes all their ends.

    Attributes
    ----------
    first: the branch that stands for parent, edits and medium.
    positions: where its members stand in their level, by increasing duration.
    durations: theirs.
    """

    first: Branch
    positions: tuple[int, ...]
    durations: tuple[float, ...]


def stretches(level: Sequence[Branch]) -> tuple[tuple[Stretch, ...], tuple[int, ...]]:
    """The stretches of a level, and the positions of the branches that last until nothing changes any more."""
    groups: dict[tuple[object, ...], list[int]] = {}
    resting = []
    for position, branch in enumerate(level):
        if math.isinf(branch.segment.duration):
            resting.append(position)
        else:
            key = (branch.parent, branch.segment.edits, branch.segment.medium)
            groups.setdefault(key, []).append(position)
    found = []
    for members in groups.values():
        members.sort(key=lambda position: level[position].segment.duration)
        durations = tuple(level[position].segment.duration for position in members)
        found.append(Stretch(level[members[0]], tuple(members), durations))
    return tuple(found), tuple(resting)


def cut(word: Word, time: float) -> Word:
    """The beginning of a word, up to a time.

    Time counts from the end of the last segment without end (cells at rest before the experiment began), or from
    the beginning of the word where there is none.

    Raises
    ------
    ModelError: the word is over before that time, or the time is negative.
    """
    segments = word.segments
    rests = [at for at, segment in enumerate(segments) if math.isinf(segment.duration)]
    begin = rests[-1] + 1 if rests else 0
    kept, left = list(segments[:begin]), time
    for segment in segments[begin:]:
        taken = min(segment.duration, left)
        kept.append(replace(segment, duration=taken))
        left -= taken
    if left > 1e-9 * max(time, 1.0) or time < 0:
        raise ModelError(
            f"there is no state at time {time:g} of a history that lasts {time - max(left, 0.0):g}",
            why="nothing says what was done to the cells then",
            fix="lengthen the last segment of the protocol, or ask for an earlier time",
        )
    return Word(tuple(kept)).normal()
