"""What a check of a protocol found, as text, JSON or tables."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pajamo.data.atomic import write_text
from pajamo.protocols.assumptions import ASSUMPTIONS
from pajamo.protocols.diagnostics.result import Diagnostic
from pajamo.protocols.drawing import Arm, to_svg, to_text
from pajamo.protocols.protocol import Protocol

SHOWN_ROWS = 12
"""Rows of a table that the text shows; JSON holds them all."""
WIDTH = 100


@dataclass(frozen=True)
class ProtocolReport:
    """What is known of how a screen was made, and of the assumptions that models make of it.

    Attributes
    ----------
    name: of the study or file.
    protocol: what was done.
    source: where the protocol was written: "study", "file", or "none" if it was taken to be the plain one.
    arms: what the timeline shows.
    words: operators of each group of cells: word, conditions, cells, examples, control.
    references: the matched control of each perturbed condition (see `matched_references`).
    assumptions: assumption, models that make it, what the protocol says, what the data say (holds, broken,
        unclear, untested), in which test, and with which numbers.
    diagnostics: the tests of the data; empty where the screen could not be read.
    """

    name: str
    protocol: Protocol
    source: str
    arms: tuple[Arm, ...]
    words: pd.DataFrame
    references: pd.DataFrame
    assumptions: pd.DataFrame
    diagnostics: tuple[Diagnostic, ...]

    @property
    def passed(self) -> bool:
        """Whether every perturbed condition has a control that went through the same protocol at the same time."""
        return bool(self.references["found"].all())

    def draw(self, path: str | Path) -> Path:
        """Write the timeline as SVG.

        Raises
        ------
        StorageError: the disk refuses; an earlier file still stands.
        """
        write_text(Path(path), to_svg(self.arms))
        return Path(path)

    def to_text(self) -> str:
        """Plain text for a terminal."""
        parts = [
            f"protocol of {self.name}" + _SOURCES[self.source],
            to_text(self.arms),
            "what cells went through (the operation that came last stands first)",
            _table(self.words),
            "matched controls",
            self._references_text(),
            "assumptions that models make of this",
            *(_assumption(row) for row in self.assumptions.to_dict("records")),
            "what was tested, and what that can tell",
            *(_diagnostic(d) for d in self.diagnostics),
            self._verdict(),
        ]
        return "\n\n".join(parts)

    def to_json(self) -> str:
        """JSON with every row of every table."""
        tests = [
            {
                "test": d.question.name, "assumption": d.question.assumption, "found": d.found,
                "sentence": d.sentence, "can": d.question.can, "cannot": d.question.cannot, "rows": _rows(d.table),
            }
            for d in self.diagnostics
        ]  # fmt: skip
        found = {
            "name": self.name, "passed": self.passed, "source": self.source, "protocol": self.protocol.to_dict(),
            "words": _rows(self.words), "references": _rows(self.references),
            "assumptions": _rows(self.assumptions), "tests": tests,
        }  # fmt: skip
        return json.dumps(found, indent=2, ensure_ascii=False)

    def _references_text(self) -> str:
        """How many conditions have which kind of control, and those without one."""
        counted = self.references.groupby(["found", "reason"], sort=False)["cells"].agg(["size", "sum"])
        lines = [
            f"{'found' if found else 'MISSING':9}{size:,} conditions, {cells:,} cells: {reason}"
            for (found, reason), (size, cells) in zip(counted.index, counted.to_numpy(), strict=True)
        ]
        missing = self.references[~self.references["found"].astype(bool)]
        return "\n".join(
            [*lines, *([_table(missing[["condition", "cells", "reason"]])] if len(missing) else [])]
        )

    def _verdict(self) -> str:
        if not self.passed:
            return f"not valid: {int((~self.references['found']).sum())} conditions have no matched control"
        broken = self.assumptions[self.assumptions["data"] == "broken"]["assumption"]
        text = "every perturbed condition has a matched control"
        return f"{text}; the data speak against: {', '.join(broken)}" if len(broken) else text


_SOURCES: Mapping[str, str] = {
    "study": ", as the study says",
    "file": ", as its file says",
    "none": ": nothing is written of it, so it is taken to be knockouts that act at once, in one medium",
}


def _table(table: pd.DataFrame) -> str:
    shown = table.head(SHOWN_ROWS).to_string(index=False)
    hidden = len(table) - SHOWN_ROWS
    return shown + (f"\n... and {hidden} more (--json shows all)" if hidden > 0 else "")


def _assumption(row: Mapping[Any, Any]) -> str:
    lines = [
        f"{row['assumption']}: {ASSUMPTIONS[row['assumption']]}",
        f"made by: {row['models'] or 'no model'}",
        f"protocol: {row['protocol']}",
        f"data: {row['data']}" + (f" ({row['test']})" if row["test"] else ""),
    ]
    return "\n".join(_wrapped(line, "" if i == 0 else "  ") for i, line in enumerate(lines))


def _diagnostic(diagnostic: Diagnostic) -> str:
    question = diagnostic.question
    lines = [
        f"{diagnostic.found.upper():9}{question.name}: {diagnostic.sentence}",
        f"  can tell: {question.can}",
        f"  cannot tell: {question.cannot}",
    ]
    return "\n".join(_wrapped(line, "") for line in lines)


def _wrapped(text: str, indent: str) -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent + "    ", break_on_hyphens=False
    )


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(table.to_json(orient="records"))
    return rows
