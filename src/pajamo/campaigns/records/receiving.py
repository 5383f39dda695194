"""Results are put on record: what is new, what repeats, and which round had asked for it."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence

from pajamo.campaigns.records.history import awaited
from pajamo.campaigns.records.results import (
    FAILED,
    MEASURED,
    WITHDRAWN,
    Received,
    Result,
    disagreement,
    shown,
    told_twice,
)
from pajamo.errors import DataError, nearest, shorten


def receive(connection: sqlite3.Connection, rows: Sequence[Result], source: str, received: str) -> Received:
    """Write the rows that are new, inside an open transaction.

    Raises
    ------
    DataError: unknown candidates, or results of one measurement that disagree.
    """
    numbers = _numbers(connection, rows)
    new = [one for one in told_twice(rows) if not _on_record(connection, numbers[one.candidate], one)]
    earliest = dict(reversed(awaited(connection)))  # of several rounds the earliest stays
    unexpected = 0
    for one in new:
        asked = earliest.get(one.candidate) if one.round is None else _asked(connection, numbers, one)
        unexpected += asked is None
        connection.execute(
            "INSERT INTO events (candidate, what, round, replicate, value, error, source, received) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                numbers[one.candidate],
                one.what,
                asked,
                one.replicate,
                json.dumps(dict(one.value)),
                json.dumps(dict(one.error)),
                source,
                received,
            ),
        )
    counts = Counter(one.what for one in new)
    return Received(counts[MEASURED], counts[FAILED], counts[WITHDRAWN], len(rows) - len(new), unexpected)


def _asked(connection: sqlite3.Connection, numbers: dict[str, int], one: Result) -> int | None:
    """The round that a row names.

    Raises
    ------
    DataError: that round did not ask for the candidate.
    """
    found = connection.execute(
        "SELECT 1 FROM proposals WHERE round = ? AND candidate = ? AND chosen = 1",
        (one.round, numbers[one.candidate]),
    ).fetchone()
    if found is None:
        raise DataError(
            f"round {one.round} did not ask for {one.candidate!r}",
            where=one.where,
            fix="mend the column 'round', or leave it empty for a measurement that no round asked for",
        )
    return one.round


def _numbers(connection: sqlite3.Connection, rows: Iterable[Result]) -> dict[str, int]:
    known = {
        str(name): int(number) for number, name in connection.execute("SELECT number, name FROM candidates")
    }
    unknown = [one for one in rows if one.candidate not in known]
    if unknown:
        raise DataError(
            f"unknown candidate {unknown[0].candidate!r}",
            where=unknown[0].where,
            why=f"{len(unknown):,} rows name candidates that this campaign does not have: "
            f"{shorten(one.candidate for one in unknown)}",
            fix=f"{nearest(unknown[0].candidate, known)}nothing of this table was recorded",
        )
    return known


def _on_record(connection: sqlite3.Connection, number: int, one: Result) -> bool:
    """Whether the same is on record: a measurement that failed may be followed by another one."""
    kept = connection.execute(
        "SELECT what, value, error, source, number FROM events WHERE candidate = ? AND replicate = ? "
        "AND (?3 IS NULL OR round = ?3) ORDER BY number",
        (number, one.replicate, one.round),
    ).fetchall()
    for what, value, error, source, event in kept:
        earlier = (what, tuple(sorted(json.loads(value).items())), tuple(sorted(json.loads(error).items())))
        if earlier == one.said:
            return True
        if what == MEASURED and one.what == MEASURED:
            raise disagreement(one, shown(what, json.loads(value)), f"event {event} ({source})")
    return False
