"""Rates of a table, in log10 of 1/s, and which of them lie beyond what the instrument resolves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pajamo.config.assays import RateSettings
from pajamo.data.assays.tables import Table
from pajamo.data.assays.values import Values, numbers, standard_errors
from pajamo.errors import DataError, StudyError, warn

FASTEST = 13.0
"""log10 of 1/s above which nothing moves: the frequency at which bonds vibrate."""
FEW_FOLD, MANY_FOLD = 10.0, 100.0
"""Numbers that differ by more than the second factor, and, taken as logarithms, by less than the first, are none."""


@dataclass(frozen=True)
class RateUnit:
    """A unit of a rate.

    Attributes
    ----------
    base: of the logarithm; None where rates themselves are given.
    seconds: how many one unit of time has.
    """

    base: float | None
    seconds: float

    def log10(self, values: Values) -> Values:
        """Rates in log10 of 1/s; those that are not above zero become minus infinity or none."""
        if self.base is not None:
            return np.asarray(values * np.log10(self.base) - np.log10(self.seconds))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.log10(values / self.seconds))


RATE_UNITS = {
    "log10 1/s": RateUnit(10.0, 1.0),
    "ln 1/s": RateUnit(float(np.e), 1.0),
    "1/s": RateUnit(None, 1.0),
    "log10 1/min": RateUnit(10.0, 60.0),
    "1/min": RateUnit(None, 60.0),
}
"""Units by the names that a study gives them."""


def rates(table: Table, settings: RateSettings) -> dict[str, Values]:
    """Rates as they were recorded, by name: `value`, in log10 of 1/s; `error`, if measured; `censored`.

    `censored` is -1 where a rate is known to be no faster than its value, 1 where it is known to be no slower, and 0
    where it was resolved. Censored rows have the limit as their value.

    Raises
    ------
    DataError: a value is missing, zero, negative, or in another unit than the study says; or every row is censored.
    StudyError: a limit is no rate.
    """
    unit, written = RATE_UNITS[settings.unit], numbers(table, settings.value, "remove rows without a rate")
    lower, upper = _limit(settings, "lower"), _limit(settings, "upper")
    below = np.zeros(len(written), dtype=bool) if settings.lower is None else written <= settings.lower
    above = np.zeros(len(written), dtype=bool) if settings.upper is None else written >= settings.upper
    if unit.base is None:
        _require_positive(table, settings, written, below)
    else:
        _require_logarithms(table, settings, written)
    _require_some(table, settings, below | above)
    value = np.where(below, lower, np.where(above, upper, unit.log10(written)))
    found = {"value": value, "censored": np.where(below, -1.0, np.where(above, 1.0, 0.0))}
    if settings.error:
        found["error"] = standard_errors(table, settings.error)
    return found


def _limit(settings: RateSettings, name: str) -> float:
    """A limit in log10 of 1/s; 0 where there is none."""
    given = getattr(settings, name)
    if given is None:
        return 0.0
    unit = RATE_UNITS[settings.unit]
    if not np.isfinite(given) or (unit.base is None and given <= 0):
        raise StudyError(
            f"`{name}` = {given:g} is no rate in {settings.unit}",
            where=f"measurement.{name}",
            why="the limit of detection is the slowest (or fastest) rate that the instrument can tell, above zero",
            fix=f"give `{name}` in the unit of the column, as in lower = {'1e-5' if unit.base is None else '-5'}",
        )
    return float(unit.log10(np.array(given, dtype=np.float64)))


def _require_positive(
    table: Table, settings: RateSettings, written: Values, below: NDArray[np.bool_]
) -> None:
    """Rates that are given as such are above zero, but for zeros that a lower limit explains."""
    wrong = (written < 0) | ((written == 0) & ~below)
    if not wrong.any():
        return
    negative = bool((written < 0).any())
    first = (written < 0) if negative else wrong
    raise DataError(
        f"column {settings.value!r} holds {int(first.sum())} rates that are {'negative' if negative else 'zero'}",
        where=f"{table.at(first)}: {written[int(np.argmax(first))]:g} {settings.unit}",
        why="logarithms of rates are negative where rates themselves cannot be"
        if negative
        else "no instrument waits for ever: a rate of zero is one below its limit of detection",
        fix=f'if the column holds logarithms, say unit = "log10 {_per(settings)}"'
        if negative
        else f"give `lower`, the slowest rate that can be told from none, in {settings.unit}",
    )


def _per(settings: RateSettings) -> str:
    return settings.unit.split()[-1]


def _require_logarithms(table: Table, settings: RateSettings, written: Values) -> None:
    """Refuse, or warn of, numbers that look like rates where the study says logarithms of rates."""
    value = RATE_UNITS[settings.unit].log10(written)
    fix = f'if the column holds the rates themselves, say unit = "{_per(settings)}"'
    if (value > FASTEST).any():
        raise DataError(
            f"column {settings.value!r} is too fast for {settings.unit}",
            where=f"{table.at(value > FASTEST)}: {written[int(np.argmax(value > FASTEST))]:g}",
            why=f"it would be a rate above 10^{FASTEST:g} per second, faster than bonds vibrate",
            fix=fix,
        )
    if not len(value) or (written <= 0).any():
        return
    fold, apart = float(written.max() / written.min()), 10.0 ** float(value.max() - value.min())
    slowest = table.at(written == written.min())
    if fold > MANY_FOLD and apart < FEW_FOLD:
        raise DataError(
            f"column {settings.value!r} does not look like {settings.unit}",
            where=f"{slowest}: {written.min():g}",
            why=f"every number is above zero and they differ {fold:,.0f}-fold; as logarithms the fastest rate would "
            f"be only {apart:.2g} times the slowest",
            fix=fix,
        )
    warn(
        f"every rate of column {settings.value!r} would be above one per {_per(settings)[2:]} "
        f"(slowest: {slowest}: {written.min():g}); {fix}"
    )


def _require_some(table: Table, settings: RateSettings, censored: NDArray[np.bool_]) -> None:
    if censored.all():
        limits = [f"`{name}`" for name in ("lower", "upper") if getattr(settings, name) is not None]
        raise DataError(
            f"all {len(censored)} rates are beyond the limits of detection",
            where=f"{table.where}, column {settings.value!r}",
            why="rates of which only a limit is known cannot tell one pair from another",
            fix=f"check {' and '.join(limits)}, which are in the unit of the column ({settings.unit})",
        )
