"""A rule is a small function from a file to what it found; this is the list of them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from pajamo.data.checks.report import RuleResult, Status
from pajamo.data.checks.subject import Subject


@dataclass(frozen=True)
class Finding:
    """What a rule found: how bad it is, in words, and the offending rows."""

    status: Status
    message: str
    rows: pd.DataFrame | None = None


@dataclass(frozen=True)
class Rule:
    """A rule with its explanation, and the parts of the subject without which it cannot be checked."""

    id: str
    title: str
    why: str
    needs: tuple[str, ...]
    look: Callable[[Subject], Finding]

    def result(self, found: Finding) -> RuleResult:
        """The finding under the rule's name."""
        return RuleResult(self.id, self.title, self.why, found.status, found.message, found.rows)


RULES: list[Rule] = []


def rule(
    name: str, title: str, why: str, needs: tuple[str, ...] = ()
) -> Callable[[Callable[[Subject], Finding]], Callable[[Subject], Finding]]:
    """Decorator: add a function to the list of rules, in the order of definition."""

    def add(look: Callable[[Subject], Finding]) -> Callable[[Subject], Finding]:
        RULES.append(Rule(name, title, why, needs, look))
        return look

    return add
