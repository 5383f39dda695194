"""What a page is made of: sections with figures, tables, lists and text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from markupsafe import Markup

from pajamo.reports.wording import blank, printable, short

Tone = Literal["", "good", "bad", "quiet", "reference"]


@dataclass(frozen=True)
class Download:
    """A table as a link that works without a network; without `href` it only names a file of the run."""

    label: str
    name: str
    href: str = ""


@dataclass(frozen=True)
class Figure:
    """An inline picture with what it says in words."""

    kind: ClassVar[str] = "figure"
    svg: Markup
    alt: str
    caption: str = ""
    downloads: tuple[Download, ...] = ()


@dataclass(frozen=True)
class Cell:
    """One cell of a table, with a small second line, a tooltip and a tone."""

    text: str
    small: str = ""
    tip: str = ""
    tone: Tone = ""

    @classmethod
    def name(cls, value: object, small: str = "", tone: Tone = "", most: int = 28) -> Cell:
        """A name from the data: cut if long, whole in the tooltip."""
        text = "" if blank(value) else printable(value)
        shown = short(text, most)
        return cls(shown, small, text if shown != text else "", tone)


@dataclass(frozen=True)
class Column:
    """Head of a column; numbers are set flush right."""

    title: str
    numeric: bool = False
    tip: str = ""
    small: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of cells. `folded` tables show their caption and open on a click."""

    kind: ClassVar[str] = "table"
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    note: str = ""
    folded: bool = False
    wide: bool = False
    downloads: tuple[Download, ...] = ()


@dataclass(frozen=True)
class Facts:
    """Terms and what they are."""

    kind: ClassVar[str] = "facts"
    items: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True)
class CardBlock:
    """What a user should know of one model."""

    kind: ClassVar[str] = "card"
    name: str
    title: str
    baseline: bool
    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Text:
    """A paragraph, or a file's text set in a fixed-width face."""

    kind: ClassVar[str] = "text"
    text: str
    caption: str = ""
    code: bool = False


Block = Figure | Table | Facts | CardBlock | Text


@dataclass(frozen=True)
class Section:
    """A part of the page with a line on how to read it."""

    anchor: str
    title: str
    reading: str
    blocks: tuple[Block, ...]
