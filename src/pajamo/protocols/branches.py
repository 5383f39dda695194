"""From a timeline to words: cells differ where an edit did not take place in all, or not in all at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

from pajamo.config.protocol import DeliverStep
from pajamo.data.history import REST, Edit, History, Segment, Word
from pajamo.errors import StudyError
from pajamo.protocols.onset import onset_times
from pajamo.protocols.timeline import Delivery, Timeline

MOST_INCOMPLETE = 6
"""Edits of incomplete efficiency in one cell: each doubles the number of words."""
MOST_BRANCHES = 4096
"""Words that one group of cells may be a mixture of."""


@dataclass(frozen=True)
class Acting:
    """An edit and the time during which it acts."""

    edit: Edit
    start: float
    stop: float


Fate = tuple[float, tuple[Acting, ...]]
"""Share of the cells, and the edits that act in them."""


def history_of(timeline: Timeline) -> History:
    """The word, or the mixture of words, that cells of this timeline have gone through.

    Edits of incomplete efficiency are missed independently of one another. Edits of one delivery in the animal
    begin together, at a time that differs between cells (`onset_times`).

    Raises
    ------
    StudyError: more than `MOST_INCOMPLETE` incomplete edits, or too many words.
    """
    _require_few(timeline)
    fates = [_fates(delivery, timeline.end) for delivery in timeline.deliveries if delivery.edits]
    words: dict[Word, float] = defaultdict(float)
    for chosen in product(*fates):
        share = 1.0
        acting: list[Acting] = []
        for part, edits in chosen:
            share *= part
            acting += edits
        words[word_of(timeline, acting)] += share
    total = sum(words.values())
    return History(tuple((share / total, word) for word, share in words.items() if share > 0))


def word_of(timeline: Timeline, acting: Sequence[Acting]) -> Word:
    """Cut the stays where an edit begins or ends to act."""
    cuts = sorted({_instant(time) for a in acting for time in (a.start, a.stop)})
    segments = []
    for stretch in timeline.stretches:
        first, last = _instant(stretch.start), _instant(stretch.end)
        inside = [time for time in cuts if first < time < last]
        for start, end in pairwise([first, *inside, last]):
            edits = frozenset(
                a.edit for a in acting if _instant(a.start) <= start and _instant(a.stop) > start
            )
            segments.append(Segment(edits, stretch.medium, REST if end == REST else end - start))
    return Word(tuple(segments)).normal()


def _instant(time: float) -> float:
    """A time without the last digits, in which sums of the same durations differ (0.1 + 0.2 and 0.3)."""
    return round(time, 9)


def _fates(delivery: Delivery, end: float) -> list[Fate]:
    step = delivery.step
    return [
        (when * which, tuple(acting))
        for when, delay in _delays(delivery, end)
        for which, edits in _subsets(delivery.edits, step.efficiency)
        for acting in [_acting(edits, delivery.at + delay, step.persistence)]
    ]


def _delays(delivery: Delivery, end: float) -> Iterable[tuple[float, float]]:
    step = delivery.step
    return onset_times(step, end - delivery.at) if isinstance(step, DeliverStep) else [(1.0, step.onset)]


def _subsets(edits: Sequence[Edit], efficiency: float) -> Iterator[tuple[float, tuple[Edit, ...]]]:
    """Which edits took place, and in what share of the cells."""
    if efficiency == 1:
        yield 1.0, tuple(edits)
        return
    for made in product((True, False), repeat=len(edits)):
        share = efficiency ** sum(made) * (1 - efficiency) ** (len(made) - sum(made))
        yield share, tuple(edit for edit, there in zip(edits, made, strict=True) if there)


def _acting(edits: Iterable[Edit], start: float, persistence: float | None) -> Iterator[Acting]:
    for edit in edits:
        yield Acting(edit, start, REST if persistence is None else start + persistence)


def _require_few(timeline: Timeline) -> None:
    incomplete = sum(len(d.edits) for d in timeline.deliveries if d.step.efficiency < 1)
    onsets = 1
    for delivery in timeline.deliveries:
        onsets *= 1 if not delivery.edits else len(list(_delays(delivery, timeline.end)))
    if incomplete <= MOST_INCOMPLETE and onsets * 2**incomplete <= MOST_BRANCHES:
        return
    named = ", ".join(edit.target for d in timeline.deliveries for edit in d.edits)
    raise StudyError(
        f"cells with {incomplete} incomplete edits ({named}) are a mixture of {onsets * 2**incomplete:,} words",
        where="protocol: `efficiency` and `onset`",
        why=f"at most {MOST_INCOMPLETE} incomplete edits, and {MOST_BRANCHES:,} words, can be followed",
        fix="set efficiency = 1 where editing is nearly complete, or make one `deliver` of several",
    )
