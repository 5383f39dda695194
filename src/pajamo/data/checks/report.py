"""What a check found, as text, JSON or a table."""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass
from typing import Literal

import pandas as pd

Status = Literal["ok", "note", "warning", "error"]

SHOWN_ROWS = 10
"""Offending rows that the text shows of each rule; JSON holds them all."""
WIDTH = 100


@dataclass(frozen=True)
class RuleResult:
    """What one rule found.

    Attributes
    ----------
    id, title: name of the rule.
    why: why a perturbation model needs it.
    status: "ok"; "note", worth knowing; "warning", results will suffer; "error", cannot be read.
    message: what was found.
    rows: the offending rows, or None.
    """

    id: str
    title: str
    why: str
    status: Status
    message: str
    rows: pd.DataFrame | None = None


@dataclass(frozen=True)
class CheckReport:
    """What every rule found in one file, and what an audit of its design found."""

    path: str
    rules: tuple[RuleResult, ...]
    design: tuple[RuleResult, ...] = ()

    @property
    def findings(self) -> tuple[RuleResult, ...]:
        """Rules and audit together."""
        return self.rules + self.design

    @property
    def passed(self) -> bool:
        """Whether the file can be used as it is: no rule found an error."""
        return not self.of("error")

    def of(self, status: Status) -> tuple[RuleResult, ...]:
        """Findings with this status."""
        return tuple(found for found in self.findings if found.status == status)

    def to_text(self, *, explain: bool = False) -> str:
        """Plain text for a terminal, one paragraph a rule and a last line with the verdict.

        Rules that are not fulfilled say why they matter; with `explain` all of them do.
        """
        paragraphs = [_paragraph(rule, explain) for rule in self.rules]
        if self.design:
            paragraphs += ["design of the experiment", ""]
            paragraphs += [_paragraph(found, explain) for found in self.design]
        return "\n".join([f"check of {self.path}", "", *paragraphs, self._verdict()])

    def to_json(self) -> str:
        """JSON with every offending row."""
        value = {
            "path": self.path,
            "passed": self.passed,
            "rules": [_as_record(rule) for rule in self.rules],
            "design": [_as_record(found) for found in self.design],
        }
        return json.dumps(value, indent=2, ensure_ascii=False)

    def to_frame(self) -> pd.DataFrame:
        """One row a rule: id, title, status, message, number of offending rows, why."""
        rows = [
            (r.id, r.title, r.status, r.message, 0 if r.rows is None else len(r.rows), r.why)
            for r in self.findings
        ]
        return pd.DataFrame(rows, columns=["id", "title", "status", "message", "rows", "why"])

    def _verdict(self) -> str:
        counts = f"{_plural(self.of('error'), 'error')}, {_plural(self.of('warning'), 'warning')}"
        return f"{'ready to use' if self.passed else 'not ready'}: {counts}, {len(self.findings)} rules"


def _plural(found: tuple[RuleResult, ...], word: str) -> str:
    return f"{len(found)} {word}{'' if len(found) == 1 else 's'}"


def _as_record(found: RuleResult) -> dict[str, object]:
    return {
        "id": found.id,
        "title": found.title,
        "why": found.why,
        "status": found.status,
        "message": found.message,
        "rows": [] if found.rows is None else json.loads(found.rows.to_json(orient="records")),
    }


def _paragraph(rule: RuleResult, explain: bool) -> str:
    lines = [f"{rule.status.upper():8}{rule.title}: {rule.message}"]
    if explain or rule.status != "ok":
        lines.append(f"why: {rule.why}")
    if rule.rows is not None and len(rule.rows):
        lines += rule.rows.head(SHOWN_ROWS).to_string(index=False).splitlines()
        hidden = len(rule.rows) - SHOWN_ROWS
        lines += [f"... and {hidden} more rows (--json shows all)"] if hidden > 0 else []
    first, *rest = lines
    wrapped = textwrap.wrap(first, WIDTH, subsequent_indent=" " * 8, break_long_words=False)
    return "\n".join([*wrapped, *(" " * 8 + line for line in rest), ""])
