"""Runs as lines of JSON: a finished run is kept whatever happens next; a line that a crash cut off is not read."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pajamo.data.atomic import storage_errors
from pajamo.errors import IntegrityError

NAME = "runs.jsonl"


class RecordFile:
    """The finished runs of a folder, one a line.

    Raises
    ------
    IntegrityError: a line that is not the last cannot be read: the file was altered.
    StorageError: the folder cannot be written to.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        with storage_errors(self.path):
            folder.mkdir(parents=True, exist_ok=True)
            _cut_off(self.path)

    def read(self) -> list[dict[str, Any]]:
        """All finished runs, in the order in which they were finished."""
        if not self.path.is_file():
            return []
        whole = self.path.read_bytes()
        lines = whole[: whole.rfind(b"\n") + 1].splitlines()
        return [self._parsed(number, line) for number, line in enumerate(lines, 1)]

    def append(self, record: Mapping[str, Any]) -> None:
        """Write one line at once and flush it to disk."""
        line = (json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n").encode()
        with storage_errors(self.path):
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            try:
                _write_whole(handle, line)
                os.fsync(handle)
            finally:
                os.close(handle)

    def _parsed(self, number: int, line: bytes) -> dict[str, Any]:
        try:
            record = json.loads(line)
            return dict(record) | {name: record[name] for name in ("task", "strategy", "seed", "identity")}
        except (ValueError, KeyError, TypeError):
            raise IntegrityError(
                "a line is not the record of a run",
                where=f"{self.path}, line {number}",
                why="lines are only ever appended whole",
                fix="delete that line: its run is then done again",
            ) from None


def _write_whole(handle: int, line: bytes) -> None:
    """All bytes; in one call unless the disk takes only a part."""
    view = memoryview(line)
    while view:
        view = view[os.write(handle, view) :]


def _cut_off(path: Path) -> None:
    """Remove what a crash left of a last line, so that the next one begins at a line's beginning."""
    if not path.is_file():
        return
    with path.open("rb+") as file:
        whole = file.read()
        end = whole.rfind(b"\n") + 1
        if end < len(whole):
            file.truncate(end)
