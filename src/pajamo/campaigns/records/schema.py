"""Tables of a campaign's file, and how files of earlier versions become files of this one."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from pajamo.errors import IntegrityError

APPLICATION: Final = 0x50414A4F
"""Marks a file as a campaign of pajamo (the letters PAJO)."""

_FIRST = """
CREATE TABLE facts (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE candidates (
    number INTEGER PRIMARY KEY,
    name   TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE rounds (
    number           INTEGER PRIMARY KEY,
    seed             INTEGER NOT NULL,
    known            INTEGER NOT NULL,  -- the last event that entered the round
    acquisition      TEXT NOT NULL,
    model            TEXT NOT NULL,
    fingerprint      TEXT NOT NULL,     -- hash of the fitted model
    data             TEXT NOT NULL,     -- hash of candidates and features
    outputs          TEXT NOT NULL,     -- JSON list
    unit             TEXT NOT NULL,
    expected         REAL NOT NULL,
    at_random        REAL,
    random_deviation REAL,
    cost             TEXT NOT NULL,     -- JSON: money by item
    controls         TEXT NOT NULL,     -- JSON
    layout           TEXT NOT NULL,     -- JSON: candidate, run, lane, cells
    notes            TEXT NOT NULL,     -- JSON list
    version          TEXT NOT NULL,     -- of pajamo
    made             TEXT NOT NULL      -- UTC; enters no computation
) STRICT;

CREATE TABLE proposals (
    round      INTEGER NOT NULL REFERENCES rounds (number),
    chosen     INTEGER NOT NULL CHECK (chosen IN (0, 1)),  -- 0: a runner-up
    place      INTEGER NOT NULL,
    candidate  INTEGER NOT NULL REFERENCES candidates (number),
    gain       REAL,
    score      REAL,
    cost       REAL NOT NULL,
    allocation TEXT NOT NULL,           -- JSON
    mean       TEXT NOT NULL,           -- JSON list
    deviation  TEXT NOT NULL,           -- JSON list
    why        TEXT NOT NULL,
    PRIMARY KEY (round, chosen, place)
) STRICT;

CREATE TABLE events (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    candidate INTEGER NOT NULL REFERENCES candidates (number),
    what      TEXT NOT NULL CHECK (what IN ('measured', 'failed', 'withdrawn')),
    round     INTEGER REFERENCES rounds (number),
    replicate TEXT NOT NULL,
    value     TEXT NOT NULL,            -- JSON: number or null by output
    error     TEXT NOT NULL,            -- JSON: standard error by output
    source    TEXT NOT NULL,            -- the file that it came from
    received  TEXT NOT NULL             -- UTC; enters no computation
) STRICT;

CREATE INDEX events_by_candidate ON events (candidate);
CREATE INDEX proposals_by_candidate ON proposals (candidate);
"""

_GAIN_MAY_BE_UNKNOWN = """
ALTER TABLE rounds ADD COLUMN gain REAL;  -- before there is a model, nobody knows what a batch will give
UPDATE rounds SET gain = expected;
ALTER TABLE rounds DROP COLUMN expected;
ALTER TABLE rounds RENAME COLUMN gain TO expected;
"""

MIGRATIONS: Final = (_FIRST, _GAIN_MAY_BE_UNKNOWN)
"""One script a version, in order; a file's `user_version` counts those that it has been through."""


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring a file to this version, in one transaction.

    Raises
    ------
    IntegrityError: a file of a newer version, or not a campaign.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    if version > len(MIGRATIONS):
        raise IntegrityError(
            f"this campaign was written by a newer pajamo (format {version}; this one knows {len(MIGRATIONS)})",
            where=str(path),
            fix="update pajamo",
        )
    if version > 0 and application != APPLICATION:
        raise not_a_campaign(path, "it holds other tables")
    if version == len(MIGRATIONS):
        return
    if version == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise not_a_campaign(path, "it holds other tables")
    script = "\n".join(MIGRATIONS[version:])
    connection.executescript(
        f"BEGIN IMMEDIATE;\n{script}\n"
        f"PRAGMA application_id = {APPLICATION};\nPRAGMA user_version = {len(MIGRATIONS)};\nCOMMIT;"
    )


def not_a_campaign(path: Path, why: str) -> IntegrityError:
    """The complaint about a file that is something else."""
    return IntegrityError(
        "this is not a campaign of pajamo",
        where=str(path),
        why=why,
        fix="give a file that `pajamo campaign new` made",
    )
