"""`pajamo check`: is this file what a perturbation model needs? Each rule explained, offenders shown."""

from pajamo.data.checks.report import CheckReport, RuleResult
from pajamo.data.checks.runner import check_screen

__all__ = ["CheckReport", "RuleResult", "check_screen"]
