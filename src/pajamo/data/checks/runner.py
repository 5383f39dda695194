"""Runs every rule over one file and never stops at the first problem."""

from __future__ import annotations

from pajamo.config import DataSettings
from pajamo.data.checks import content, design, genes, labels
from pajamo.data.checks.report import CheckReport, RuleResult
from pajamo.data.checks.rule import RULES, Finding, Rule
from pajamo.data.checks.subject import Subject
from pajamo.data.reading.stores import open_recorded
from pajamo.errors import PajamoError

RULE_FILES = (content, labels, genes, design)
"""The files whose rules are run, in this order."""

OPENING = "the file can be opened"
OPENING_WHY = "a truncated, damaged or hostile file is refused before anything else reads it"


def check_screen(settings: DataSettings) -> CheckReport:
    """Check whether a file is what a perturbation model needs.

    A file that cannot be opened gives a report with that one error. No rule stops another.
    """
    path = str(settings.path)
    try:
        subject = Subject(open_recorded(path), settings)
    except PajamoError as error:
        return CheckReport(path, (RuleResult("file", OPENING, OPENING_WHY, "error", _in_words(error)),))
    opened = subject.opened
    size = f"{len(opened.obs):,} cells x {len(opened.var):,} genes"
    first = RuleResult("file", OPENING, OPENING_WHY, "ok", size + (", simulated" if opened.simulated else ""))
    return CheckReport(path, (first, *(_checked(rule, subject) for rule in in_order())))


def in_order() -> list[Rule]:
    """Every rule, file by file."""
    files = [file.__name__ for file in RULE_FILES]
    return sorted(RULES, key=lambda rule: files.index(rule.look.__module__))


def _checked(rule: Rule, subject: Subject) -> RuleResult:
    try:
        lacking = [need for need in rule.needs if getattr(subject, need) is None]
        if lacking:
            return rule.result(Finding("note", f"not checked: needs {' and '.join(map(_spoken, lacking))}"))
        return rule.result(rule.look(subject))
    except PajamoError as error:
        return rule.result(Finding("error", _in_words(error)))


def _spoken(need: str) -> str:
    return {
        "matrix": "a matrix that can be read",
        "values": "values that can be read",
        "labels": "the perturbation column",
        "design": "the perturbation column",
        "genes_of_label": "the perturbation column",
        "perturbed": "the perturbation column",
        "control_label": "the control label",
        "batch": "a batch column (set `batch`)",
    }[need]


def _in_words(error: PajamoError) -> str:
    return "; ".join(text for text in (error.what, error.where, error.why, error.fix) if text)
