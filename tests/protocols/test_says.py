"""What a protocol itself says of each assumption."""

from __future__ import annotations

from typing import Any

import pytest

from pajamo.data.conditions import Condition
from pajamo.protocols import ASSUMPTIONS, Protocol, culture, deliver, differentiate, perturb, transplant
from pajamo.protocols.says import SAYINGS, protocol_says
from pajamo.protocols.steps import Step

K = perturb("knockout", onset=0)
CASES: dict[str, tuple[tuple[Step, ...], dict[str, Any], dict[str, str]]] = {
    "plain": (
        (K, culture("m")),
        {},
        {"stationary-baseline": "says so", "instantaneous-edit": "says so", "complete-editing": "says so",
         "order-free": "says so", "same-cells": "says so", "no-medium-response": "says so",
         "unique-attractor": "does not say"},
    ),
    "perturb, then differentiate": (
        (K, culture("m", 1.0), differentiate("d")),
        {},
        {"stationary-baseline": "contradicts it", "at-rest": "contradicts it", "order-free": "contradicts it",
         "no-medium-response": "does not say"},
    ),
    "in vivo": (
        (deliver("knockout", onset="gamma", onset_mean=2.0, efficiency=0.4), transplant("lung")),
        {},
        {"stationary-baseline": "contradicts it", "instantaneous-edit": "contradicts it",
         "complete-editing": "contradicts it"},
    ),
    "wears off": (
        (perturb("crispri", onset=0, persistence=1.0), culture("m")),
        {},
        {"instantaneous-edit": "contradicts it", "at-rest": "does not say"},
    ),
    "controls treated otherwise": (
        (K, culture("m")),
        {"controls": (culture("n"),), "accept": ("same-cells",)},
        {"same-cells": "contradicts it"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_a_protocol_says(case: str) -> None:
    steps, settings, expected = CASES[case]
    conditions = [Condition((), time=3.0), Condition(("A",), time=3.0)]
    said = protocol_says(Protocol.of(*steps, time_unit="day", **settings), conditions)
    assert {name: said[name].said for name in expected} == expected


def test_at_rest_where_no_time_is_given() -> None:
    said = protocol_says(
        Protocol.of(K, culture("m")), [Condition(()), Condition(("A",)), Condition(("A", "B"))]
    )
    assert said["at-rest"].said == "says so"
    assert "1 combinations" in said["additive"].sentence


def test_every_assumption_is_spoken_of() -> None:
    assert list(SAYINGS) == list(ASSUMPTIONS)
