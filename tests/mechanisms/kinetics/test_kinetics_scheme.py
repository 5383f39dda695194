"""A scheme has one steady state, or says which states stand in its way."""

from __future__ import annotations

import pytest
from tests.mechanisms.kinetics.kinetic_schemes import chain, ring

from pajamo.errors import StudyError
from pajamo.mechanisms.kinetics.scheme import Scheme

CYCLE = (("A", "B"), ("B", "C"), ("C", "A"))


@pytest.mark.parametrize(
    ("states", "transitions", "says"),
    [
        ((), (), "no states"),
        (("A", "B", "A"), (("A", "B"), ("B", "A")), "two states of one name: A"),
        (("A", "B"), (("A", "B"), ("B", "b")), "no state 'b'"),
        (("A", "B"), (("A", "B"), ("B", "B")), "from B to itself"),
        (("A", "B"), (("A", "B"), ("B", "A"), ("A", "B")), "a transition twice: A -> B"),
        (("A", "B", "C"), (("A", "B"), ("B", "A")), "not connected"),
        (("A", "B", "C"), (("A", "B"), ("A", "C")), "not connected"),
    ],
)
def test_what_is_no_scheme_is_refused(states, transitions, says):
    with pytest.raises(StudyError, match=says):
        Scheme(states, transitions)


def test_the_sets_that_nothing_leaves_are_named():
    with pytest.raises(StudyError) as caught:
        Scheme(("A", "B", "C", "D"), (("A", "B"), ("B", "A"), ("D", "C"), ("D", "A")))
    assert "{A, B}" in caught.value.where
    assert "{C}" in caught.value.where
    assert "D" not in caught.value.where


def test_transient_states_are_known():
    scheme = Scheme(("D", *"ABC"), (*CYCLE, ("D", "A")))
    assert scheme.transient == ("D",)
    assert scheme.recurrent == ("A", "B", "C")
    assert ring(4).transient == ()


def test_pairs_list_each_transition_once():
    scheme = chain(3)
    assert scheme.reverses == (1, 0, 3, 2, None)
    assert scheme.pairs == ((0, 1), (2, 3), (4, None))


def test_states_and_transitions_are_found_by_name():
    scheme = chain(3)
    assert scheme.state("s2") == 2
    assert scheme.transition("s1", "s0") == 1
    with pytest.raises(StudyError, match="no transition s0 -> s2"):
        scheme.transition("s0", "s2")
    with pytest.raises(StudyError, match="no state"):
        scheme.transition("s0", "t")


def test_one_state_is_a_scheme():
    assert Scheme(("A",), ()).recurrent == ("A",)
