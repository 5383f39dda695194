"""How names and numbers are written on the page."""

from __future__ import annotations

import math
import unicodedata

MINUS = "\u2212"
NOTHING = "–"
LONGEST = 28
"""Characters of a name that are shown; the rest is in the tooltip."""


def printable(text: object) -> str:
    """A name as text that both HTML and XML can hold: control characters become a visible mark."""
    return "".join("\ufffd" if unicodedata.category(c) in ("Cc", "Cs") else c for c in str(text))


def short(text: object, most: int = LONGEST) -> str:
    """A printable name, cut at `most` characters."""
    shown = printable(text)
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def blank(value: object) -> bool:
    """Whether a cell of a table says nothing: None, NaN or an empty text."""
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def number(value: object, digits: int = 3) -> str:
    """Significant digits with a true minus sign; a dash for NaN."""
    if blank(value):
        return NOTHING
    amount = float(str(value))
    if math.isinf(amount):
        return "∞" if amount > 0 else f"{MINUS}∞"
    return _plain(amount, digits).replace("-", MINUS)


def _plain(amount: float, digits: int) -> str:
    if amount == 0:
        return "0"
    size = math.floor(math.log10(abs(amount)))
    if size < -4 or size >= 7:
        mantissa, exponent = f"{amount:.{digits - 1}e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{amount:,.{max(digits - 1 - size, 0)}f}"


def signed(value: object, digits: int = 2) -> str:
    """A number that always carries its sign, for differences."""
    text = number(value, digits)
    return text if blank(value) or text.startswith(MINUS) or text == "0" else f"+{text}"


def interval(low: object, high: object, digits: int = 2) -> str:
    """Two ends of an interval, or nothing where they are not known."""
    if blank(low) or blank(high):
        return ""
    return f"{number(low, digits)} to {number(high, digits)}"


def count(value: int) -> str:
    """A whole number with thousands apart."""
    return f"{value:,}"


def seconds(value: float) -> str:
    """A duration as a person would say it."""
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
