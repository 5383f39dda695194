"""A round is written: all of it in one transaction."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Sequence

from pajamo._version import __version__
from pajamo.campaigns.proposal import Choice, Proposal
from pajamo.campaigns.state import State
from pajamo.errors import DataError


def write_round(
    connection: sqlite3.Connection, state: State, known: int, proposal: Proposal, made: str
) -> None:
    """Write a round and everything that was proposed in it.

    Raises
    ------
    DataError: the batch holds a candidate that is not one of the campaign's.
    """
    connection.execute(
        "INSERT INTO rounds VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            state.round,
            state.seed,
            known,
            proposal.acquisition,
            proposal.model,
            proposal.fingerprint,
            proposal.data,
            json.dumps(proposal.outputs),
            proposal.unit,
            proposal.at_random,
            proposal.random_deviation,
            json.dumps(dict(proposal.cost)),
            json.dumps(dict(proposal.controls)),
            json.dumps(proposal.layout),
            json.dumps(proposal.notes, ensure_ascii=False),
            __version__,
            made,
            _real(proposal.expected),
        ),
    )
    _write(connection, state.round, 1, proposal.choices)
    _write(connection, state.round, 0, proposal.runners_up)


def _write(connection: sqlite3.Connection, number: int, chosen: int, choices: Sequence[Choice]) -> None:
    for place, one in enumerate(choices, start=1):
        connection.execute(
            "INSERT INTO proposals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                chosen,
                place,
                _number(connection, one.candidate),
                _real(one.gain),
                _real(one.score),
                one.cost,
                json.dumps(dict(one.allocation)),
                json.dumps(one.mean),
                json.dumps(one.deviation),
                one.why,
            ),
        )


def _number(connection: sqlite3.Connection, name: str) -> int:
    found = connection.execute("SELECT number FROM candidates WHERE name = ?", (name,)).fetchone()
    if found is None:
        raise DataError(f"{name!r} is not a candidate of this campaign", where="proposal")
    return int(found[0])


def _real(value: float) -> float | None:
    """NaN is kept as NULL."""
    return None if math.isnan(value) else value
