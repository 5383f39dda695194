"""The drawing shows what happened when, in a terminal and as SVG."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from pajamo.data.conditions import Condition
from pajamo.protocols import Protocol, culture, deliver, differentiate, measure, perturb, transplant
from pajamo.protocols.drawing import arms_of, to_svg, to_text
from pajamo.protocols.drawing.text import MARGIN, WIDTH

TIMES = (2.0, 4.0)
CONDITIONS = [Condition(genes, time=time) for genes in ((), ("A",)) for time in TIMES]
STAGED = Protocol.of(
    culture("m0", 2.0), perturb("crispri", strength=0.5, onset=1.0, persistence=2.0), differentiate("<d>"), measure(),
    time_unit="day",
)  # fmt: skip


def rows(protocol: Protocol, conditions: list[Condition]) -> dict[str, str]:
    text = to_text(arms_of(protocol, conditions))
    return {
        line[2 : 2 + MARGIN].strip(): line[2 + MARGIN :]
        for line in text.splitlines()
        if line.startswith("  ")
    }


def test_everything_stands_where_it_happened() -> None:
    drawn = rows(STAGED, CONDITIONS)

    def column(time: float) -> int:
        return round(WIDTH * time / 6.0)

    assert drawn["medium"][column(0)] == "├"
    assert drawn["medium"][column(2)] == "┼"
    assert drawn["medium"][column(6)] == "┤"
    assert "m0" in drawn["medium"][: column(2)]
    edit = drawn["crispri"]
    assert edit[column(2)] == "▽"
    assert {edit[column(time)] for time in (3.1, 4.0, 4.9)} == {"█"}
    assert edit[column(2) + 1 : column(3)].strip() == ""
    assert len(edit) <= column(5) + 1
    assert [i for i, letter in enumerate(drawn["measured"]) if letter == "◆"] == [column(4), column(6)]
    assert drawn["time (days)"].split() == ["-2", "0", "2", "4"]


def test_a_spread_onset_is_shaded_and_rest_is_said() -> None:
    vivo = Protocol.of(
        deliver("knockout", onset="gamma", onset_mean=2.0), transplant("lung"), time_unit="day", timed=False
    )
    drawn = rows(vivo, [Condition(()), Condition(("A",))])
    assert drawn["medium"].endswith("⋯ rest")
    shades = drawn["knockout"][1:]
    assert [" ░▒▓█".index(a) for a in shades] == sorted(" ░▒▓█".index(a) for a in shades)
    assert {"░", "▒", "▓"} <= set(shades)


def test_arms_of_the_same_steps_are_drawn_once() -> None:
    steps = (perturb("knockout", onset=0), culture("m"))
    protocol = Protocol.of(
        *steps, arms={"z": (perturb("crispri", onset=0), culture("n"))}, controls=(culture("m"),)
    )
    arms = arms_of(protocol, [Condition(genes, context) for genes in ((), ("A",)) for context in "xyz"])
    assert [arm.title for arm in arms] == ["control cells", "cells of x, y", "cells of z"]
    assert to_text(arms).count("medium") == 3


@pytest.mark.parametrize("protocol", [STAGED, Protocol.plain("day")])
def test_the_svg_is_sound_and_names_what_the_text_names(protocol: Protocol) -> None:
    svg = ET.fromstring(to_svg(arms_of(protocol, CONDITIONS)))
    words = {(node.text or "") for node in svg.iter("{http://www.w3.org/2000/svg}text")}
    assert {"all cells", "measured", "time (days)", "2", "4"} <= words
    assert ("<d>" in words) == (protocol is STAGED)
    width = float(svg.attrib["width"])
    assert all(0 <= float(node.attrib["x"]) <= width for node in svg.iter("{http://www.w3.org/2000/svg}rect"))
