"""The audit of rates as rules of a check: units, and limits of detection."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pajamo.config.assays import RateSettings
from pajamo.data.assays.pairs.rate_audit import mixed_units, pile_ups, twin_columns
from pajamo.data.assays.parts import Part
from pajamo.data.assays.rates import RATE_UNITS
from pajamo.data.checks.report import RuleResult, Status

MOSTLY = 0.95
"""Share of censored rows above which a table says little but that rates are slow."""


def rate_rules(part: Part, settings: RateSettings) -> Iterator[RuleResult]:
    """Audit the rates of one experiment."""
    yield _units(part, settings)
    yield _twins(part, settings)
    yield _censored(part, settings)


def _units(part: Part, settings: RateSettings) -> RuleResult:
    logarithms = RATE_UNITS[settings.unit].base is not None
    found = mixed_units(part.table, settings.value)
    if not logarithms:
        found = found.iloc[:0]
    message = f"{part.name}: column {settings.value!r} is in {settings.unit}"
    if len(found):
        message += f"; {len(found)} groups of rows are not: all their numbers are above zero, as rates themselves are"
        message += "; take their logarithm, or read them as an experiment of their own with another `unit`"
    why = "published tables hold k on some sheets and log10 k on others, in a column of one name"
    status: Status = "warning" if len(found) else "ok"
    return RuleResult(f"units-{part.name}", "one unit a column", why, status, message, found)


def _twins(part: Part, settings: RateSettings) -> RuleResult:
    found = twin_columns(part.table, settings.value)
    message = f"{part.name}: {len(found)} other columns hold the same rates on another scale"
    if len(found):
        first = found.iloc[0]
        message += (
            f": {first['column']!r} is {first['is']} {settings.value!r}, which is read as {settings.unit}"
        )
    why = "a rate beside its logarithm is easily taken for it"
    status: Status = "note" if len(found) else "ok"
    return RuleResult(f"twins-{part.name}", "a rate beside its logarithm", why, status, message, found)


def _censored(part: Part, settings: RateSettings) -> RuleResult:
    value, censored = part.recorded["value"], part.recorded["censored"]
    below, above = float(np.mean(censored < 0)), float(np.mean(censored > 0))
    message = (
        f"{part.name}: {below:.0%} of {len(value):,} rates are at or below the lower limit of detection, "
    )
    message += f"{above:.0%} at or above the upper"
    found = pile_ups(value, censored)
    for row in found.to_dict("records"):
        given = _in_unit(float(row["value"]), settings)
        message += f"; {row['rows']:,} more are exactly {given:.6g}: say {row['limit']} = {given:.6g}"
    if below + above > MOSTLY:
        message += "; there is little to learn from the rest: check the limits and their unit"
    why = "a rate at the limit is only known to be no faster; taken as a value, it flattens every weight"
    status: Status = "warning" if len(found) or below + above > MOSTLY else "ok"
    return RuleResult(f"limits-{part.name}", "limits of detection", why, status, message, found)


def _in_unit(value: float, settings: RateSettings) -> float:
    """A rate in log10 of 1/s as the study writes it."""
    unit = RATE_UNITS[settings.unit]
    if unit.base is None:
        return float(10.0**value * unit.seconds)
    return float((value + np.log10(unit.seconds)) / np.log10(unit.base))
