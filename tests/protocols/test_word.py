"""Words of operators obey the laws of the operators F(perturbation, medium, time)."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from pajamo.data.history import NICHE, REST, Edit, History, Segment, Word
from pajamo.protocols.algebra import commuted, edits_only_grow, order_matters

A, B = Edit("A"), Edit("B", "crispri", 0.5)
# Sums of such durations are exact, so that words can be compared with ==.
durations = st.sampled_from([0.0, 0.25, 0.5, 1.0, 2.0, REST])
segments = st.builds(
    Segment, st.frozensets(st.sampled_from([A, B]), max_size=2), st.sampled_from(["m", "n"]), durations
)
words = st.builds(lambda parts: Word(tuple(parts)), st.lists(segments, max_size=5))


@given(words)
def test_identity_no_time_changes_nothing(word: Word) -> None:
    nothing = Word((Segment(frozenset({A}), "elsewhere", 0.0),))
    assert nothing.then(word) == word.then(nothing) == word.then(Word()) == word.normal()


@given(segments, durations, durations)
def test_semigroup_one_after_the_other_is_the_sum(segment: Segment, first: float, second: float) -> None:
    def lasting(duration: float) -> Word:
        return Word((Segment(segment.edits, segment.medium, duration),))

    assert lasting(first).then(lasting(second)) == lasting(first + second).normal()


@given(words, words, words)
def test_composition_is_associative(a: Word, b: Word, c: Word) -> None:
    assert a.then(b).then(c) == a.then(b.then(c))


@given(words)
def test_the_normal_form_is_normal_and_lasts_as_long(word: Word) -> None:
    normal = word.normal()
    assert normal.normal() == normal
    assert normal.duration == word.duration
    assert all(segment.duration > 0 for segment in normal)
    assert all(
        (x.edits, x.medium) != (y.edits, y.medium) for x, y in zip(normal, list(normal)[1:], strict=False)
    )


@given(words, words)
def test_the_matched_control_of_a_composition_is_that_of_its_parts(a: Word, b: Word) -> None:
    assert a.then(b).without_edits() == a.without_edits().then(b.without_edits())
    assert a.without_edits().duration == a.duration


@given(words, st.data())
def test_exchanging_twice_is_nothing(word: Word, data: st.DataObject) -> None:
    if len(word) == 0:
        return
    i, j = (data.draw(st.integers(0, len(word) - 1)) for _ in range(2))
    same, other = commuted(word, i, j)
    assert same == word.normal()
    assert other.duration == word.duration
    segments = list(word.segments)
    segments[i], segments[j] = segments[j], segments[i]
    assert commuted(Word(tuple(segments)), i, j)[1] == word.normal()


def test_order_is_kept_and_seen() -> None:
    perturbed, media = Segment(frozenset({A}), "m0", 2.0), Segment(frozenset(), "md", 3.0)
    word = Word((perturbed, media))
    assert commuted(word, 0, 1) == (word, Word((media, perturbed)))
    assert order_matters(word)
    assert not order_matters(Word((perturbed,)))
    assert order_matters(Word((perturbed, Segment(frozenset({A}), "md", 1.0))))
    assert order_matters(Word((perturbed, Segment(frozenset({A, B}), "m0", 1.0))))
    before = Word((Segment(frozenset(), "m0", 1.0), perturbed))
    assert not order_matters(before)
    assert order_matters(before, resting=False)
    assert order_matters(Word((media, perturbed)))


def test_edits_grow_unless_they_wear_off() -> None:
    grows = Word(
        (Segment(frozenset(), "m", 1.0), Segment(frozenset({A}), "m", 1.0), Segment(frozenset({A, B}), "m"))
    )
    assert edits_only_grow(grows)
    assert not edits_only_grow(grows.then(Word((Segment(frozenset({B}), "m", 1.0),))))
    assert edits_only_grow(Word())


def test_words_are_written_as_compositions() -> None:
    word = Word((Segment(frozenset(), "m0", 2.0), Segment(frozenset({B, A}), "md", REST)))
    assert str(word) == "F(A knockout, B crispri 0.5; md; rest) F(-; m0; 2)"
    assert str(Word()) == "I"
    assert Segment(medium=NICHE + "liver").in_niche
    assert not Segment(medium="liver").in_niche
    assert math.isinf(word.duration)


def test_a_history_of_one_word_is_that_word() -> None:
    history = History.of(Word((Segment(frozenset({A}), "m", 1.0), Segment(frozenset({A}), "m", 2.0))))
    assert history.branches == ((1.0, Word((Segment(frozenset({A}), "m", 3.0),))),)
    assert history.without_edits() == Word((Segment(frozenset(), "m", 3.0),))
