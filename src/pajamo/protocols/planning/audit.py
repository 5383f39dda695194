"""The audit of a finished screen's design, as `pajamo check` adds it to its rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from pajamo.config import DataSettings
from pajamo.data.checks.report import CheckReport, RuleResult
from pajamo.data.checks.rule import Finding
from pajamo.data.reading.screens import read_screen
from pajamo.data.screen import Screen
from pajamo.errors import PajamoError
from pajamo.protocols.errors.components import VarianceComponents, variance_components
from pajamo.protocols.planning.present import PresentDesign, present_of_screen

MOST_GENES = 2000
"""Genes whose variance components are estimated; drawn at random from a screen with more."""


@dataclass(frozen=True)
class Audited:
    """A screen, its design, and what varies in it."""

    screen: Screen
    present: PresentDesign

    @cached_property
    def components(self) -> VarianceComponents:
        """Variance components of ln(1 + CP10K); guides are left out, because batches are in question."""
        genes = len(self.screen.genes)
        chosen = np.arange(genes)
        if genes > MOST_GENES:
            chosen = np.sort(np.random.default_rng(0).choice(genes, MOST_GENES, replace=False))
        return variance_components(self.screen.with_genes(chosen), guides=False)


@dataclass(frozen=True)
class AuditRule:
    """One question to a design, and why it matters."""

    id: str
    title: str
    why: str
    look: Callable[[Audited], Finding]

    def result(self, found: Finding) -> RuleResult:
        """The finding under the rule's name."""
        return RuleResult(self.id, self.title, self.why, found.status, found.message, found.rows)


def with_audit(report: CheckReport, settings: DataSettings) -> CheckReport:
    """Add the audit of the design to a report; a screen that cannot be read is left to the report's rules.

    Only a perturbation whose cells all lie in batches without its control makes the report fail.
    """
    from pajamo.protocols.planning.audit_rules import RULES

    if not report.passed:
        return report
    try:
        screen = read_screen(settings)
        audited = Audited(screen, present_of_screen(screen))
    except PajamoError as error:
        return replace(report, design=(_unreadable(error),))
    return replace(report, design=tuple(_checked(rule, audited) for rule in RULES))


def _checked(rule: AuditRule, audited: Audited) -> RuleResult:
    try:
        return rule.result(rule.look(audited))
    except PajamoError as error:
        return rule.result(Finding("note", f"not checked: {error.what}"))


def _unreadable(error: PajamoError) -> RuleResult:
    why = "a design can be judged only of a screen that can be read"
    return RuleResult("design", "design", why, "note", f"not checked: {error.what}; {error.fix}")
