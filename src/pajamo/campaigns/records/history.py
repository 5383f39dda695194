"""What a campaign's file holds, read back: rounds with their proposals, and the state at any event."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from dataclasses import dataclass

from pajamo.campaigns.proposal import REPLICATES, Choice, Proposal
from pajamo.campaigns.records.results import FAILED, MEASURED, WITHDRAWN
from pajamo.campaigns.state import Measured, State


@dataclass(frozen=True)
class RoundRecord:
    """One round as it stands on record.

    Attributes
    ----------
    number: from 1.
    seed: of everything random in it.
    known: the last event that entered it.
    version: of pajamo.
    made: when, UTC.
    proposal: what was proposed.
    """

    number: int
    seed: int
    known: int
    version: str
    made: str
    proposal: Proposal


def read_rounds(connection: sqlite3.Connection) -> list[RoundRecord]:
    """All rounds, the first one first."""
    rows = _dictionaries(connection, "SELECT * FROM rounds ORDER BY number")
    return [_round(connection, row) for row in rows]


def state_at(connection: sqlite3.Connection, number: int, seed: int, known: int) -> State:
    """What is known when a round is proposed: rounds before it, and events up to `known`."""
    events = _dictionaries(
        connection,
        "SELECT events.*, candidates.name FROM events JOIN candidates ON candidates.number = events.candidate "
        "WHERE events.number <= ? ORDER BY events.number",
        known,
    )
    asked = _dictionaries(
        connection,
        "SELECT candidates.name, proposals.round, proposals.allocation, proposals.cost FROM proposals "
        "JOIN candidates ON candidates.number = proposals.candidate "
        "WHERE chosen = 1 AND round < ? ORDER BY round, place",
        number,
    )
    rounds = _dictionaries(connection, "SELECT cost FROM rounds WHERE number < ? ORDER BY number", number)
    booked = sum(sum(json.loads(str(row["cost"])).values()) for row in rounds)
    return _state(number, seed, events, asked, float(booked))


Row = dict[str, object]


def _state(number: int, seed: int, events: list[Row], asked: list[Row], booked: float) -> State:
    results = tuple(_measured(row) for row in events if row["what"] == MEASURED)
    measured = {one.candidate for one in results}
    last = {str(row["name"]): str(row["what"]) for row in events}
    withdrawn = tuple(name for name, what in last.items() if what == WITHDRAWN)
    awaited = awaited_of(events, asked)
    pending = tuple(dict.fromkeys(name for name, _ in awaited))
    never_made = {(row["name"], row["round"]) for row in events if row["what"] == WITHDRAWN}
    given_back = sum(_real(row["cost"]) for row in asked if (row["name"], row["round"]) in never_made)
    return State(
        round=number,
        seed=seed,
        results=results,
        failed=tuple(
            name
            for name, what in last.items()
            if what == FAILED and name not in measured and name not in pending
        ),
        pending=pending,
        withdrawn=withdrawn,
        spent=booked - given_back,
    )


def awaited_of(events: list[Row], asked: list[Row]) -> list[tuple[str, int]]:
    """Candidates whose results have not come, with the round that asked for them; rounds in order.

    A withdrawal ends the waiting; else as many results are awaited as there are replicates.
    """
    came = Counter((row["name"], row["round"]) for row in events)
    ended = {(row["name"], row["round"]) for row in events if row["what"] == WITHDRAWN}
    return [
        (str(row["name"]), int(str(row["round"])))
        for row in asked
        if (row["name"], row["round"]) not in ended
        and came[row["name"], row["round"]] < int(json.loads(str(row["allocation"])).get(REPLICATES, 1))
    ]


def _measured(row: dict[str, object]) -> Measured:
    return Measured(
        str(row["name"]),
        json.loads(str(row["value"])),
        json.loads(str(row["error"])),
        None if row["round"] is None else int(str(row["round"])),
    )


def _round(connection: sqlite3.Connection, row: dict[str, object]) -> RoundRecord:
    choices, runners_up = (_choices(connection, row["number"], chosen) for chosen in (1, 0))
    proposal = Proposal(
        choices=choices,
        runners_up=runners_up,
        unit=str(row["unit"]),
        expected=_real(row["expected"]),
        at_random=_real_or_none(row["at_random"]),
        random_deviation=_real_or_none(row["random_deviation"]),
        cost=json.loads(str(row["cost"])),
        acquisition=str(row["acquisition"]),
        model=str(row["model"]),
        fingerprint=str(row["fingerprint"]),
        data=str(row["data"]),
        outputs=tuple(json.loads(str(row["outputs"]))),
        controls=json.loads(str(row["controls"])),
        layout=tuple((str(a), int(b), int(c), int(d)) for a, b, c, d in json.loads(str(row["layout"]))),
        notes=tuple(json.loads(str(row["notes"]))),
    )
    number, seed, known = (int(str(row[name])) for name in ("number", "seed", "known"))
    return RoundRecord(number, seed, known, str(row["version"]), str(row["made"]), proposal)


def _choices(connection: sqlite3.Connection, number: object, chosen: int) -> tuple[Choice, ...]:
    rows = _dictionaries(
        connection,
        "SELECT proposals.*, candidates.name FROM proposals JOIN candidates ON candidates.number = candidate "
        "WHERE round = ? AND chosen = ? ORDER BY place",
        number,
        chosen,
    )
    return tuple(
        Choice(
            candidate=str(row["name"]),
            gain=_real(row["gain"]),
            score=_real(row["score"]),
            why=str(row["why"]),
            cost=_real(row["cost"]),
            allocation=json.loads(str(row["allocation"])),
            mean=tuple(json.loads(str(row["mean"]))),
            deviation=tuple(json.loads(str(row["deviation"]))),
        )
        for row in rows
    )


def _dictionaries(connection: sqlite3.Connection, query: str, *values: object) -> list[dict[str, object]]:
    cursor = connection.execute(query, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _real(value: object) -> float:
    """A stored number; NULL stands for NaN, which SQLite does not keep."""
    return float("nan") if value is None else float(str(value)) if not isinstance(value, float) else value


def _real_or_none(value: object) -> float | None:
    return None if value is None else _real(value)


def awaited(connection: sqlite3.Connection) -> list[tuple[str, int]]:
    """Candidates whose results have not come by now, each with the round that asked for it."""
    events = _dictionaries(
        connection,
        "SELECT events.what, events.round, candidates.name FROM events "
        "JOIN candidates ON candidates.number = events.candidate",
    )
    asked = _dictionaries(
        connection,
        "SELECT candidates.name, proposals.round, proposals.allocation FROM proposals "
        "JOIN candidates ON candidates.number = proposals.candidate WHERE chosen = 1 ORDER BY round, place",
    )
    return awaited_of(events, asked)
