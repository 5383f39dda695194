"""Results as they come back: which rows are new, which say the same again, and which cannot be right."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from pajamo.errors import DataError, nearest, shorten

CANDIDATE, REPLICATE, STATUS, ROUND = "candidate", "replicate", "status", "round"
MEASURED, FAILED, WITHDRAWN = "measured", "failed", "withdrawn"
ERROR = "error "
"""How the column with the standard error of an output begins: "error VALUE"; "error" alone goes with one output."""


@dataclass(frozen=True)
class Result:
    """One row that came back.

    Attributes
    ----------
    candidate: its name.
    what: measured, failed or withdrawn.
    replicate: tells repeated measurements of one candidate apart; empty for the only one.
    round: that asked for it, where the table says so; else the earliest that awaits a result.
    value: by output, None where it is missing.
    error: standard errors by output, where they are known.
    where: the row, as complaints name it.
    """

    candidate: str
    what: str
    replicate: str
    round: int | None
    value: Mapping[str, float | None]
    error: Mapping[str, float]
    where: str

    @property
    def said(self) -> tuple[object, ...]:
        """What has to be equal for two rows to say the same."""
        return self.what, tuple(sorted(self.value.items())), tuple(sorted(self.error.items()))


@dataclass(frozen=True)
class Received:
    """What became of a table of results: numbers of rows."""

    measured: int
    failed: int
    withdrawn: int
    repeated: int
    """Rows that were on record already, with the same values."""
    unexpected: int
    """Rows of candidates that no open round had asked for."""


def results_of(table: pd.DataFrame, outputs: Sequence[str], where: str) -> list[Result]:
    """The rows of a table as results.

    Parameters
    ----------
    table: columns "candidate", one column an output, and, if there are any, "error OUTPUT" (standard errors),
        "replicate", "round", "status" (measured, failed or withdrawn). A row without any number is a failed
        measurement. A table may be given again when it has grown; a measurement that failed a second time is told
        from the first one by its round or replicate.
    outputs: names of what is measured.
    where: the table's name in complaints.

    Raises
    ------
    DataError: missing columns, an unknown status, an infinite value or a standard error that is not positive.
    """
    missing = [name for name in (CANDIDATE, *outputs) if name not in table.columns]
    if missing:
        raise DataError(
            f"the results have no column {missing[0]!r}",
            where=where,
            why=f"columns: {shorten(table.columns)}",
            fix=f"{nearest(missing[0], map(str, table.columns))}give a row a measurement: "
            f"{', '.join((CANDIDATE, *outputs))}",
        )
    return [
        _result({str(key): value for key, value in row.items()}, outputs, f"{where}, row {number}")
        for number, row in enumerate(table.to_dict("records"), start=1)
    ]


def _result(row: Mapping[str, object], outputs: Sequence[str], where: str) -> Result:
    value = {name: _number(row[name], name, where) for name in outputs}
    error = {name: _error(row, name, outputs, where) for name in outputs}
    told = str(row.get(STATUS, "") or "").strip().lower()
    told = "" if told == "nan" else told
    if told not in ("", MEASURED, FAILED, WITHDRAWN):
        raise DataError(
            f"status {told!r} is none of {MEASURED}, {FAILED}, {WITHDRAWN}",
            where=where,
            fix="leave the column out, or give one of these",
        )
    empty = all(one is None for one in value.values())
    if told == MEASURED and empty:
        raise DataError(
            "a row says that it was measured, and gives no value", where=where, fix="write failed"
        )
    what = told or (FAILED if empty else MEASURED)
    replicate = row.get(REPLICATE)
    again = "" if replicate is None or replicate != replicate else _plain(replicate)
    kept = {name: one for name, one in error.items() if one is not None and value[name] is not None}
    said = value if what == MEASURED else dict.fromkeys(outputs)
    return Result(str(row[CANDIDATE]), what, again, _round(row, where), said, kept, where)


def _round(row: Mapping[str, object], where: str) -> int | None:
    found = _number(row.get(ROUND, math.nan), ROUND, where)
    if found is not None and (found < 1 or found != int(found)):
        raise DataError(
            f"{found:g} is no round", where=where, fix="give the round's number, or leave it empty"
        )
    return None if found is None else int(found)


def _plain(value: object) -> str:
    """A replicate's name; 1.0 and 1 are the same one."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _number(value: object, name: str, where: str) -> float | None:
    try:
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise DataError(
            f"{name} is not a number: {value!r}", where=where, fix="leave it empty if it failed"
        ) from None
    if math.isinf(found):
        raise DataError(f"{name} is infinite", where=where, fix="leave it empty if the measurement failed")
    return None if math.isnan(found) else found


def _error(row: Mapping[str, object], name: str, outputs: Sequence[str], where: str) -> float | None:
    column = ERROR + name if ERROR + name in row or len(outputs) > 1 else ERROR.strip()
    found = _number(row.get(column, math.nan), column, where)
    if found is not None and found <= 0:
        raise DataError(f"a standard error is not above zero: {found:g}", where=where, fix="leave it empty")
    return found


def told_twice(results: Iterable[Result]) -> list[Result]:
    """Rows without those that repeat an earlier one of the same table word for word.

    Raises
    ------
    DataError: two rows of one candidate and replicate that disagree.
    """
    first: dict[tuple[str, str, int | None], Result] = {}
    for one in results:
        earlier = first.setdefault((one.candidate, one.replicate, one.round), one)
        if earlier.said != one.said:
            raise disagreement(one, _shown(earlier), earlier.where)
    return list(first.values())


def disagreement(one: Result, earlier: str, where: str) -> DataError:
    """The complaint about two results of one measurement."""
    named = f"{one.candidate!r}" + (f", replicate {one.replicate}" if one.replicate else "")
    return DataError(
        f"two results of {named} disagree: {earlier} and {_shown(one)}",
        where=f"{where}; {one.where}",
        why="nothing of this table was recorded",
        fix="if it was measured again, tell the measurements apart by a column 'replicate'; otherwise remove the "
        "wrong row",
    )


def _shown(one: Result) -> str:
    return shown(one.what, one.value)


def shown(what: str, value: Mapping[str, float | None]) -> str:
    """A result in words."""
    if what != MEASURED:
        return what
    return ", ".join(f"{name} {number:g}" for name, number in value.items() if number is not None)
