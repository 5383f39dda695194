"""Each group of perturbed cells has one right control, or the reason why there is none."""

from __future__ import annotations

import math

import numpy as np

from pajamo.data.conditions import Condition
from pajamo.protocols import Protocol, culture, differentiate, perturb
from pajamo.protocols.agreement import differing_controls
from pajamo.protocols.groups import words_of_groups
from pajamo.protocols.references import matched_references

PROTOCOL = Protocol.of(perturb("knockout", onset=0), culture("m"), time_unit="day")
CONDITIONS = [
    Condition((), time=2.0), Condition(("A",), time=2.0), Condition(("B",), time=2.0), Condition(("A",), time=3.0),
]  # fmt: skip
OF = np.array([0, 0, 0, 1, 1, 2, 2, 2, 3])


def test_the_control_of_the_same_time_is_the_reference() -> None:
    table = matched_references(PROTOCOL, CONDITIONS, OF).set_index("condition")
    assert list(table["found"]) == [True, True, False]
    assert list(table["reference"]) == ["control at 2", "control at 2", ""]
    assert list(table["cells"]) == [2, 3, 1]
    assert list(table["reference_cells"]) == [3, 3, 0]
    assert "that context has controls at 2" in table.loc["A at 3", "reason"]
    assert "batches were not recorded" in table.loc["A at 2", "reason"]


def test_batches_without_controls_are_counted() -> None:
    batch = ["x", "x", "y", "x", "z", "z", "z", "z", "x"]
    table = matched_references(PROTOCOL, CONDITIONS, OF, batch).set_index("condition")
    assert table.loc["A at 2", "in_batches"] == 0.5
    assert "50% of its cells are in batches without control" in table.loc["A at 2", "reason"]
    assert table.loc["B at 2", "in_batches"] == 0.0
    assert "cannot be told apart" in table.loc["B at 2", "reason"]
    assert math.isnan(table.loc["A at 3", "in_batches"])
    everywhere = matched_references(PROTOCOL, CONDITIONS, OF, ["x"] * 9).set_index("condition")
    assert everywhere.loc["A at 2", "reason"].endswith("control cells in all of its batches")


def test_a_control_of_another_protocol_is_no_reference() -> None:
    protocol = Protocol.of(
        perturb("knockout", onset=0), differentiate("d"), controls=(culture("m"),), time_unit="day",
        accept=["same-cells"],
    )  # fmt: skip
    table = matched_references(protocol, CONDITIONS[:2], np.array([0, 1]))
    assert list(table["found"]) == [False]
    assert table["reason"][0] == "the control went through another protocol"
    assert differing_controls(protocol, CONDITIONS[:2]) == [CONDITIONS[1]]
    assert differing_controls(PROTOCOL, CONDITIONS[:2]) == []


def test_cells_of_the_same_operators_are_counted_together() -> None:
    table = words_of_groups(PROTOCOL, CONDITIONS, OF)
    assert table.set_index("word")["cells"].to_dict() == {
        "F(-; m; 2)": 3,
        "F(p knockout; m; 2)": 5,
        "F(p knockout; m; 3)": 1,
    }
    assert list(table["control"]) == ["", "F(-; m; 2)", "F(-; m; 3)"]
    mixed = Protocol.of(perturb("knockout", onset=0, efficiency=0.8), culture("m"))
    words = set(
        words_of_groups(mixed, [Condition(()), Condition(("A",)), Condition(tuple("ABC"))], np.arange(3))[
            "word"
        ]
    )
    assert words == {
        "F(-; m; rest)",
        "0.8 F(p knockout; m; rest) + 0.2 F(-; m; rest)",
        "mixture of 8 words, 99% of the cells edited",
    }
