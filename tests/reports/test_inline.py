from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from matplotlib.figure import Figure

from pajamo.reports.figures.theme import COLOURS, png, svg

HOSTILE = [
    "<script>alert(1)</script>", 'id="x" style="fill: #0072b2"', "a --> b <!--",
    "$\\frac{x$", "基因 🧬", "&amp;",
]  # fmt: skip


def _figure(texts: list[str]) -> Figure:
    figure = Figure(figsize=(3, 2))
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], "o", color=COLOURS["blue"])
    for place, text in enumerate(texts):
        axes.text(0, place / 10, text)
    axes.imshow([[1, 2], [3, 4]], interpolation="none")
    return figure


@pytest.fixture(scope="module")
def drawn() -> str:
    return str(svg("one", lambda: _figure(HOSTILE)))


def test_hostile_text_stays_text(drawn: str) -> None:
    texts = [element.text for element in ET.fromstring(drawn.replace("xlink:", "")).iter("text")]
    assert set(HOSTILE) <= set(texts)


def test_colours_follow_the_page(drawn: str) -> None:
    assert "var(--blue)" in drawn
    assert drawn.count(COLOURS["blue"]) == 1  # within the hostile text alone


def test_nothing_leaks_into_the_page(drawn: str) -> None:
    assert "<style" not in drawn
    assert "font-family" not in drawn
    assert "<metadata" not in drawn
    assert drawn.startswith("<svg viewBox=")


def test_figures_of_a_page_share_no_identifier(drawn: str) -> None:
    def identifiers(text: str) -> set[str]:
        root = ET.fromstring(text.replace("xlink:", ""))
        return {element.attrib["id"] for element in root.iter() if "id" in element.attrib}

    other = str(svg("two", lambda: _figure(HOSTILE)))
    assert identifiers(drawn)
    assert not identifiers(drawn) & identifiers(other)


def test_references_are_kept(drawn: str) -> None:
    root = ET.fromstring(drawn.replace("xlink:", ""))
    known = {element.attrib["id"] for element in root.iter() if "id" in element.attrib}
    used = {element.attrib["href"][1:] for element in root.iter("use")}
    clips = {e.attrib["clip-path"][5:-1] for e in root.iter() if "clip-path" in e.attrib}
    assert used
    assert clips
    assert used | clips <= known


def test_equal_figures_have_equal_bytes(drawn: str) -> None:
    assert str(svg("one", lambda: _figure(HOSTILE))) == drawn
    assert png(lambda: _figure(HOSTILE)) == png(lambda: _figure(HOSTILE))
