"""One open campaign file: transactions that happen or do not, and errors as a user reads them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pajamo.campaigns.records.schema import APPLICATION, migrate, not_a_campaign
from pajamo.errors import IntegrityError, PajamoError, StorageError, StudyError

PATIENCE = 30.0
"""Seconds that a writer waits for another one."""


class Store:
    """The connection to a campaign's file. Every read and write goes through `reading` or `writing`.

    Write-ahead logging: readers do not wait for a writer, and a killed writer leaves the last whole state.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path) -> Store:
        """Make an empty file.

        Raises
        ------
        StudyError: there is a file of that name.
        StorageError: the folder refuses.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o644))
        except FileExistsError:
            raise StudyError(
                "there is a file of that name already",
                where=str(path),
                why="a campaign is never written over: its rounds are the record of what was paid for",
                fix="choose another name, or go on with `pajamo campaign propose`",
            ) from None
        except OSError as error:
            raise StorageError("the campaign cannot be written", where=str(path), why=str(error)) from error
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> Store:
        """Open a file that `create` made.

        Raises
        ------
        StudyError: there is no such file.
        IntegrityError: it is no campaign, damaged, or of a newer version.
        """
        if not path.is_file():
            raise StudyError(
                "there is no such campaign",
                where=str(path),
                fix="check the path, or make one with `pajamo campaign new`",
            )
        store = cls(path)
        with store.reading() as connection:
            if int(connection.execute("PRAGMA application_id").fetchone()[0]) != APPLICATION:
                raise not_a_campaign(path, "its header is another program's")
            found = connection.execute("PRAGMA quick_check").fetchone()[0]
            if found != "ok":
                raise IntegrityError(
                    "the campaign's file is damaged", where=str(path), why=str(found), fix=RESTORE
                )
        return store

    def delete(self) -> None:
        """Remove a file that nothing was recorded in."""
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One consistent view of the file."""
        with self._connected() as connection:
            connection.execute("BEGIN")
            yield connection
            connection.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is on the disk when the block ends, or nothing where it raises."""
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                if connection.in_transaction:  # a full disk has rolled it back already
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None)
            try:
                self._prepare(connection)
                yield connection
            finally:
                connection.close()
        except PajamoError:
            raise
        except sqlite3.Error as error:
            raise self._explained(error) from error

    def _prepare(self, connection: sqlite3.Connection) -> None:
        migrate(connection, self.path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")

    def _explained(self, error: sqlite3.Error) -> PajamoError:
        text, where = str(error), str(self.path)
        if "locked" in text or "busy" in text:
            return StorageError(
                "another process is writing to this campaign",
                where=where,
                why=f"it did not finish within {PATIENCE:g} seconds",
                fix="wait for it, and run the same command again: nothing was written",
            )
        if "not a database" in text:
            return not_a_campaign(self.path, "it is no database, or its beginning is damaged")
        if "full" in text or "disk I/O" in text or "readonly" in text or "unable to open" in text:
            return StorageError(
                "the campaign could not be written",
                where=where,
                why=text,
                fix="free some space or mend the permissions, and run the same command again: nothing was written",
            )
        return IntegrityError("the campaign's file is damaged", where=where, why=text, fix=RESTORE)


RESTORE = "restore it from a copy; `pajamo campaign status` tells which rounds a copy holds"
