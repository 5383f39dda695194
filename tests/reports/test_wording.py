from __future__ import annotations

import math

import pytest

from pajamo.reports.wording import blank, interval, number, printable, seconds, short, signed


@pytest.mark.parametrize(
    ("value", "digits", "written"),
    [
        (0.0, 3, "0"),
        (0.04731, 3, "0.0473"),
        (-0.5, 2, "−0.50"),
        (1.0, 2, "1.0"),
        (123.4, 3, "123"),
        (6040, 2, "6,040"),
        (1.5e-7, 2, "1.5e-7".replace("-", "−")),
        (2.5e9, 2, "2.5e9"),
        (0.9996, 3, "1.000"),
        (math.nan, 3, "–"),
        (math.inf, 3, "∞"),
        (-math.inf, 3, "−∞"),
        (None, 3, "–"),
    ],
)
def test_numbers_have_their_significant_digits(value: object, digits: int, written: str) -> None:
    assert number(value, digits) == written


def test_differences_carry_their_sign() -> None:
    assert [signed(x) for x in (0.024, -0.024, 0.0, math.nan)] == ["+0.024", "−0.024", "0", "–"]


def test_an_interval_without_ends_is_nothing() -> None:
    assert interval(-0.5, 0.25) == "−0.50 to 0.25"
    assert interval(math.nan, 0.25) == ""


def test_long_names_are_cut_and_short_ones_kept() -> None:
    assert short("KLF1", 4) == "KLF1"
    assert short("KLF1+CEBPA", 5) == "KLF1…"


def test_what_neither_html_nor_xml_can_hold_is_marked() -> None:
    assert printable("a\x00b\nc") == "a\ufffdb\ufffdc"
    assert printable("基因-κ") == "基因-κ"


def test_blank_is_none_nan_and_empty_only() -> None:
    assert [blank(x) for x in (None, math.nan, "", 0, 0.0, "x")] == [True, True, True, False, False, False]


def test_durations_read_as_people_say_them() -> None:
    assert [seconds(x) for x in (2.54, 81, 4000)] == ["2.5 s", "1 min 21 s", "1 h 6 min"]
