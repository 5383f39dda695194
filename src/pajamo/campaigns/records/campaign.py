"""A campaign on record: rounds of proposals, and results as they arrive."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from pajamo._version import __version__
from pajamo.campaigns.proposal import Proposal
from pajamo.campaigns.records.history import RoundRecord, awaited, read_rounds, state_at
from pajamo.campaigns.records.receiving import receive
from pajamo.campaigns.records.results import Received, Result, results_of
from pajamo.campaigns.records.store import Store
from pajamo.campaigns.records.writing import write_round
from pajamo.campaigns.state import State
from pajamo.errors import DataError, StudyError

BEFORE = "before the first round"
"""Source of results that were known when a campaign began."""
Propose = Callable[[State], Proposal]
"""From what is known to a batch; it must depend on its argument alone, so that a round can be replayed."""


class Campaign:
    """A campaign's file. Each call opens it anew, so that several processes may hold the same campaign.

    Create one with `Campaign.create`, open it again with `Campaign.open`.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    @property
    def path(self) -> Path:
        """The file."""
        return self.store.path

    @classmethod
    def create(
        cls,
        path: str | Path,
        study: dict[str, Any],
        candidates: Sequence[str],
        data: str,
        outputs: Sequence[str],
        known: pd.DataFrame | None = None,
    ) -> Campaign:
        """Make a campaign's file.

        Parameters
        ----------
        path: must not exist.
        study: as resolved; kept as JSON.
        candidates: all names, in the order of the pool.
        data: hash of candidates and their features.
        outputs: names of what is measured.
        known: results from before the first round, as `record` takes them.

        Raises
        ------
        DataError: no candidates, a name that stands twice, or known results that cannot be recorded.
        StudyError: there is such a file already.
        """
        _check_names(candidates)
        rows = [] if known is None else results_of(known, outputs, BEFORE)
        store = Store.create(Path(path))
        try:
            cls._begin(store, study, candidates, data, outputs, rows)
        except BaseException:
            store.delete()
            raise
        return cls(store)

    @staticmethod
    def _begin(
        store: Store,
        study: dict[str, Any],
        candidates: Sequence[str],
        data: str,
        outputs: Sequence[str],
        rows: Sequence[Result],
    ) -> None:
        with store.writing() as connection:
            facts = {
                "study": json.dumps(study, ensure_ascii=False),
                "data": data,
                "outputs": json.dumps(list(outputs)),
                "version": __version__,
                "made": now(),
            }
            connection.executemany("INSERT INTO facts VALUES (?, ?)", facts.items())
            connection.executemany("INSERT INTO candidates VALUES (?, ?)", enumerate(candidates))
            receive(connection, rows, BEFORE, now())

    @classmethod
    def open(cls, path: str | Path) -> Campaign:
        """Open a campaign's file.

        Raises
        ------
        StudyError: there is no such file.
        IntegrityError: it is not a campaign, damaged, unfinished, or of a newer version.
        """
        campaign = cls(Store.open(Path(path)))
        campaign.fact("study")
        return campaign

    def fact(self, name: str) -> str:
        """One of study, data, outputs, version, made."""
        with self.store.reading() as connection:
            found = connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        if found is None:
            raise StudyError(
                "this campaign was not finished when it was made",
                where=str(self.path),
                fix="delete the file and run `pajamo campaign new` again",
            )
        return str(found[0])

    @property
    def study(self) -> dict[str, Any]:
        """The study as resolved."""
        found: dict[str, Any] = json.loads(self.fact("study"))
        return found

    @property
    def outputs(self) -> list[str]:
        """Names of what is measured."""
        found: list[str] = json.loads(self.fact("outputs"))
        return found

    def candidates(self) -> list[str]:
        """All names, in the order of the pool."""
        with self.store.reading() as connection:
            return [str(row[0]) for row in connection.execute("SELECT name FROM candidates ORDER BY number")]

    def rounds(self) -> list[RoundRecord]:
        """All rounds, the first one first."""
        with self.store.reading() as connection:
            return read_rounds(connection)

    def state(self, number: int | None = None) -> State:
        """What is known now, or what was known when an earlier round was proposed.

        Raises
        ------
        StudyError: there is no such round.
        """
        with self.store.reading() as connection:
            if number is None:
                return self._now(connection)[0]
            found = connection.execute(
                "SELECT seed, known FROM rounds WHERE number = ?", (number,)
            ).fetchone()
            if found is None:
                raise self._no_round(connection, number)
            return state_at(connection, number, int(found[0]), int(found[1]))

    def events(self) -> pd.DataFrame:
        """Every result in the order in which it arrived: candidate, what, round, replicate, value, error, source."""
        with self.store.reading() as connection:
            return pd.read_sql_query(
                "SELECT events.number, name AS candidate, what, round, replicate, value, error, source, received "
                "FROM events JOIN candidates ON candidates.number = events.candidate ORDER BY events.number",
                connection,
            )

    def propose(self, make: Propose) -> RoundRecord:
        """Open the next round: `make` chooses a batch from what is known now, and it is put on record.

        Choosing may take long and holds no lock. Results that arrive meanwhile enter the next round.

        Raises
        ------
        StudyError: another process opened a round meanwhile.
        DataError: the batch holds a candidate that is not one of the campaign's.
        """
        with self.store.reading() as connection:
            state, known = self._now(connection)
        proposal = make(state)
        with self.store.writing() as connection:
            if self._next(connection) != state.round:
                raise StudyError(
                    f"another process proposed round {state.round} meanwhile",
                    where=str(self.path),
                    why="a second batch chosen from the same results would repeat it",
                    fix="look at it with `pajamo campaign status`, and propose again if a further batch is wanted",
                )
            write_round(connection, state, known, proposal, now())
        return self.rounds()[state.round - 1]

    def record(self, table: pd.DataFrame, source: str = "table") -> Received:
        """Put results on record: all rows of a table, or none of them.

        Rows that say what is on record already are counted and left out, so that a table may be given again when it
        has grown.

        Parameters
        ----------
        table: see `results_of`.
        source: where they come from, for the record.

        Raises
        ------
        DataError: unknown candidates, results of one measurement that disagree, values that are no numbers.
        """
        rows = results_of(table, self.outputs, source)
        with self.store.writing() as connection:
            return receive(connection, rows, source, now())

    def awaited(self) -> list[tuple[str, int]]:
        """Candidates whose results have not come, each with the round that asked for it."""
        with self.store.reading() as connection:
            return awaited(connection)

    def replay(self, number: int, make: Propose) -> list[str]:
        """Choose a round's batch again from what was known then; what differs, in words; nothing if bits agree."""
        kept = self.rounds()
        again = make(self.state(number))
        return differences(kept[number - 1].proposal, again)

    def _now(self, connection: sqlite3.Connection) -> tuple[State, int]:
        number = self._next(connection)
        known = int(connection.execute("SELECT coalesce(max(number), 0) FROM events").fetchone()[0])
        seed = json.loads(
            connection.execute("SELECT value FROM facts WHERE name = 'study'").fetchone()[0]
        ).get("seed", 0)
        return state_at(connection, number, round_seed(int(seed), number), known), known

    @staticmethod
    def _next(connection: sqlite3.Connection) -> int:
        return int(connection.execute("SELECT coalesce(max(number), 0) + 1 FROM rounds").fetchone()[0])

    def _no_round(self, connection: sqlite3.Connection, number: int) -> StudyError:
        last = self._next(connection) - 1
        return StudyError(
            f"there is no round {number}",
            where=str(self.path),
            fix=f"rounds 1 to {last} are on record" if last else "no round was proposed yet",
        )


def now() -> str:
    """The time, UTC; it enters no computation."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def round_seed(seed: int, number: int) -> int:
    """The seed of everything random in a round: 63 bits of a hash of the campaign's seed and the round's number."""
    digest = hashlib.sha256(f"{seed}/{number}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def differences(kept: Proposal, again: Proposal) -> list[str]:
    """What differs between a batch on record and one that was chosen again, in words; floats to the last bit."""
    found = []
    for name in ("data", "fingerprint", "acquisition", "model", "unit", "outputs"):
        if getattr(kept, name) != getattr(again, name):
            found.append(f"{name}: {getattr(kept, name)!r} on record, {getattr(again, name)!r} now")
    for what in ("choices", "runners_up"):
        before, after = getattr(kept, what), getattr(again, what)
        if len(before) != len(after):
            found.append(f"{what}: {len(before)} on record, {len(after)} now")
        found += [
            f"{what}, place {place}: {one.candidate} on record, {other.candidate} now"
            if one.candidate != other.candidate
            else f"{what}, place {place}: {one.candidate} with other figures"
            for place, (one, other) in enumerate(zip(before, after, strict=False), start=1)
            if repr(one) != repr(other)
        ]
    for name in ("expected", "at_random", "random_deviation", "cost", "controls", "layout"):
        if repr(getattr(kept, name)) != repr(getattr(again, name)):
            found.append(f"{name}: {getattr(kept, name)} on record, {getattr(again, name)} now")
    return found


def _check_names(candidates: Sequence[str]) -> None:
    if not len(candidates):
        raise DataError(
            "the pool of candidates is empty", where="candidates", fix="give candidates to choose from"
        )
    names = pd.Index(candidates)
    if names.has_duplicates:
        name = str(names[names.duplicated()][0])
        raise DataError(
            f"candidate {name!r} stands twice",
            where="candidates",
            fix="give each candidate once; repeated measurements are results of one candidate",
        )
