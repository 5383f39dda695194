"""What cells of any condition went through, as a model of dynamics reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pajamo.data.conditions import Condition
from pajamo.data.history import REST, History, Segment, Word
from pajamo.data.training_set import TrainingSet
from pajamo.protocols.protocol import Protocol

BEGIN = "before "
"""Prefix of the state that cells of a context were in when they were first put into a medium that changes them."""


@dataclass(frozen=True)
class Histories:
    """The protocol, and what the data added to it.

    Attributes
    ----------
    protocol: as the study says; the plain one where it says nothing.
    onset: delay between delivery and effect that the data suggest, 0 where the protocol states one.
    """

    protocol: Protocol
    onset: float = 0.0

    @classmethod
    def of(cls, training: TrainingSet) -> Histories:
        """The training set's protocol, or the plain one with the context as the medium."""
        rule = training.protocol
        if rule is not None:
            return cls(Protocol.from_dict(dict(rule.to_dict())))
        timed = any(time > 0 for _, time in training.settings)
        return cls(Protocol.plain("day" if timed else ""))

    @property
    def states_onset(self) -> bool:
        """Whether the protocol itself says when edits take effect."""
        settings = self.protocol.settings
        arms = (settings.steps, *settings.arms.values())
        return any(getattr(step, "onset", 0.0) for steps in arms for step in steps)

    def history(self, condition: Condition) -> History:
        """Branches of a condition, their edits delayed by the onset."""
        made = self.protocol.history(condition)
        if self.onset == 0:
            return made
        return History(tuple((share, delayed(word, self.onset)) for share, word in made.branches))

    def control(self, condition: Condition) -> History:
        """What the control of the same context and time went through."""
        return self.protocol.history(condition.control)

    def begin(self, condition: Condition) -> str:
        """Name of the state in which a condition's cells begin: at rest in their first medium, or not."""
        first = self.control(condition).branches[0][1].segments
        medium = first[0].medium if first else ""
        moving = self.protocol.differentiates(condition) and len({s.medium for s in first}) == 1
        return BEGIN + medium if moving else medium

    def media(self, conditions: Sequence[Condition]) -> tuple[str, ...]:
        """Every medium of these conditions, and every state in which their cells begin, sorted."""
        found = {self.begin(condition) for condition in conditions}
        for condition in conditions:
            for _, word in self.history(condition).branches:
                found |= {segment.medium for segment in word}
        return tuple(sorted(found))


def delayed(word: Word, onset: float) -> Word:
    """The word with the first edits taking effect later by `onset`."""
    late: list[Segment] = []
    left = onset
    for segment in word:
        if not segment.edits or left == 0 or segment.duration == REST:
            late.append(segment)
            continue
        waiting = min(left, segment.duration)
        late.append(replace(segment, edits=frozenset(), duration=waiting))
        late.append(replace(segment, duration=segment.duration - waiting))
        left -= waiting
    return Word(tuple(late)).normal()
