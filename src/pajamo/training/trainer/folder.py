"""The folder of a training: one process at a time trains in it, and its metrics grow line by line."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any, BinaryIO

from pajamo.data.atomic import storage_errors
from pajamo.errors import DataError

METRICS = "metrics.jsonl"


class TrainingFolder:
    """Used by the first process of a run; the others have one that does nothing.

    Parameters
    ----------
    path: of the folder.
    mine: whether this process writes there.

    Raises
    ------
    DataError: another run trains in this folder.
    StorageError: the folder cannot be made.
    """

    def __init__(self, path: Path, mine: bool) -> None:
        self.path = path
        self._lock: BinaryIO | None = None
        if mine:
            with storage_errors(path):
                path.mkdir(parents=True, exist_ok=True)
                self._lock = (path / ".training").open("wb")
            self._hold(self._lock)

    def note(self, facts: dict[str, Any]) -> None:
        """Add a line to the metrics.

        Raises
        ------
        StorageError: the disk refuses.
        """
        if self._lock is not None:
            with (
                storage_errors(self.path / METRICS),
                (self.path / METRICS).open("a", encoding="utf-8") as file,
            ):
                file.write(json.dumps(facts, allow_nan=False) + "\n")

    @property
    def noted(self) -> int:
        """Bytes of metrics so far."""
        path = self.path / METRICS
        return path.stat().st_size if self._lock is not None and path.exists() else 0

    def forget_after(self, noted: int) -> None:
        """Drop lines of steps that were done after the checkpoint from which a resumed run goes on."""
        if self._lock is not None and self.noted > noted:
            with storage_errors(self.path / METRICS):
                os.truncate(self.path / METRICS, noted)

    def close(self) -> None:
        """Let another run have the folder; the operating system does so too when a process is killed."""
        if self._lock is not None:
            self._lock.close()

    def _hold(self, lock: BinaryIO) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise DataError(
                "another run trains in this folder",
                where=str(self.path),
                fix="wait until it has ended, or name another folder",
            ) from None
