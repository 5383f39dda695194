"""An explanation: what a model is, what it assumes, and what it found, as text and as tables."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pajamo.data.atomic import write_text

WIDTH = 110
SHOWN = 12
"""Rows of a table that the text shows."""


@dataclass(frozen=True)
class Part:
    """One heading of an explanation.

    Attributes
    ----------
    heading: a few words.
    text: what the table says and how to read it; paragraphs are lines.
    table: whole, as it is written to a file; None if there is none.
    file: name of that file without ending.
    columns: those that the text shows, all if not given.
    """

    heading: str
    text: str = ""
    table: pd.DataFrame | None = None
    file: str = ""
    columns: tuple[str, ...] = ()

    def to_text(self) -> str:
        """The heading, the paragraphs, and the first rows of the table."""
        lines = [self.heading.upper()]
        lines += [textwrap.fill(line, WIDTH, subsequent_indent="  ") for line in self.text.splitlines()]
        if self.table is not None:
            lines += ["", self._shown(self.table)]
        return "\n".join(lines)

    def _shown(self, table: pd.DataFrame) -> str:
        if table.empty:
            return "(none)"
        shown = table[list(self.columns)] if self.columns else table
        text = shown.head(SHOWN).to_string(index=False, float_format="{:.3g}".format, na_rep="-")
        more = len(table) - SHOWN
        return f"{text}\n({more:,} more rows)" if more > 0 else text


@dataclass(frozen=True)
class Explanation:
    """Everything that is said of one fitted model.

    Attributes
    ----------
    model: its name.
    title: a few words.
    parts: in the order in which they are read.
    """

    model: str
    title: str
    parts: tuple[Part, ...]

    @property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """Every table by the name of its file."""
        return {part.file: part.table for part in self.parts if part.table is not None}

    def to_text(self) -> str:
        """All parts as plain text."""
        return "\n\n".join([f"{self.model}: {self.title}", *(part.to_text() for part in self.parts)])

    def write(self, folder: str | Path) -> list[Path]:
        """Write every table as CSV, and the text beside them; each file is written whole or not at all.

        Raises
        ------
        StorageError: the disk refuses.
        """
        folder = Path(folder)
        paths = []
        for name, table in self.tables.items():
            paths.append(folder / f"{name}.csv")
            write_text(paths[-1], table.to_csv(index=False))
        paths.append(folder / "explanation.txt")
        write_text(paths[-1], self.to_text() + "\n")
        return paths
