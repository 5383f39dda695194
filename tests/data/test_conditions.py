"""A condition is the set of perturbed genes in its setting, however it was written."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pajamo.data.conditions import CONTROL_TOKENS, Condition, parse_perturbation, singles_of
from pajamo.errors import DataError

NAMES = st.text(
    st.characters(blacklist_characters="+", blacklist_categories=["Cs", "Zs", "Cc", "Zl", "Zp"]),
    min_size=1, max_size=6,
).filter(lambda name: name.strip() == name and name.lower() not in CONTROL_TOKENS and name != "control")  # fmt: skip


@given(st.lists(NAMES, min_size=1, max_size=4), st.randoms())
def test_order_repetition_and_blanks_do_not_matter(genes: list[str], random) -> None:
    shuffled = genes + genes[:1]
    random.shuffle(shuffled)
    assert parse_perturbation(" + ".join(shuffled), "control") == parse_perturbation(
        "+".join(genes), "control"
    )
    assert Condition(tuple(shuffled)) == Condition(tuple(genes))
    assert hash(Condition(tuple(shuffled))) == hash(Condition(tuple(genes)))


@given(st.lists(NAMES, min_size=1, max_size=3), st.sampled_from(sorted(CONTROL_TOKENS)))
def test_nothing_as_a_part_is_left_out(genes: list[str], token: str) -> None:
    assert parse_perturbation("+".join([token, *genes]), "control") == tuple(sorted(set(genes)))


def test_control_is_nothing() -> None:
    assert parse_perturbation(" safe ", "safe") == ()
    assert parse_perturbation("safe+A", "safe") == ("A",)
    assert parse_perturbation("ctrl+ctrl", "control") == ()


@pytest.mark.parametrize("label", ["A+", "+A", "A++B", "", " "])
def test_empty_parts_are_refused(label: str) -> None:
    with pytest.raises(DataError, match="empty part"):
        parse_perturbation(label, "control")


@given(st.lists(NAMES, max_size=3), NAMES, st.floats(allow_nan=False, allow_infinity=False))
def test_json_gives_the_condition_back(genes: list[str], context: str, time: float) -> None:
    condition = Condition(tuple(genes), context, time)
    assert Condition.from_list(json.loads(json.dumps(condition.to_list()))) == condition


def test_parts_control_and_words() -> None:
    double = Condition(("B", "A"), "donor x", 2.5)
    assert double.parts() == (Condition(("A",), "donor x", 2.5), Condition(("B",), "donor x", 2.5))
    assert double.control == Condition((), "donor x", 2.5)
    assert double.control.is_control
    assert (double.order, double.control.order) == (2, 0)
    assert (str(double), str(double.control)) == ("A+B in donor x at 2.5", "control in donor x at 2.5")
    assert singles_of([double, Condition(("C", "A"))]) == tuple(
        sorted([*double.parts(), Condition(("A",)), Condition(("C",))])
    )
