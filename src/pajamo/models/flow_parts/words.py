"""What cells of any condition went through, as a model of dynamics reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pajamo.data.conditions import Condition
from pajamo.data.history import REST, History, Segment, Word
from pajamo.data.training_set import TrainingSet
from pajamo.protocols.protocol import Protocol
from pajamo.protocols.timeline import Stretch

BEGIN = "before "
"""Prefix of the state that cells of a context were in when they were first put into a medium that changes them."""
AN_INSTANT = 1e-6


@dataclass(frozen=True)
class Histories:
    """The protocol, and what the data added to it.

    Attributes
    ----------
    protocol: as the study says; the plain one where it says nothing.
    onset: delay between delivery and effect that the data suggest, 0 where the protocol states one.
    origin: what the same cells went through when they were measured, if `protocol` is another one.
    """

    protocol: Protocol
    onset: float = 0.0
    origin: Protocol | None = None

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

    def moved(self, protocol: Protocol) -> Histories:
        """The same cells under another protocol; a delay that the data suggest is kept unless it states one."""
        there = Histories(protocol, self.onset, self.origin or self.protocol)
        return replace(there, onset=0.0) if there.states_onset else there

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
        """Name of the state in which a condition's cells begin: at rest in their first medium, or not.

        Cells that another protocol puts into a medium that changes them begin as they did when they were measured.
        """
        stretches = self._stretches(condition)
        medium = stretches[0].medium if stretches else ""
        moving = any(stretch.medium == medium and not stretch.settled for stretch in stretches)
        if moving and self.origin is not None:
            return Histories(self.origin).begin(Condition((), condition.context, AN_INSTANT))
        return BEGIN + medium if moving else medium

    def _stretches(self, condition: Condition) -> tuple[Stretch, ...]:
        """Stays of the matched control; of cells measured before anything happened, the one that would follow."""
        control = condition.control
        found = self.protocol.timeline(control).stretches
        return found or self.protocol.timeline(replace(control, time=control.time + AN_INSTANT)).stretches

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
