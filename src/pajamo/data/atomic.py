"""Writes that either happen or do not: temporary file, flush to disk, rename."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pajamo.errors import StorageError

TEMPORARY = ".unfinished"
"""Suffix of files that are still being written; such a file is never read and may be deleted."""


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then put it in the place of `path`.

    Raises
    ------
    StorageError: the disk is full or refuses; what stood at `path` before still stands.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")
    with storage_errors(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write(temporary)
            temporary.chmod(0o644)  # some writers make private files
            flush(temporary)
            os.replace(temporary, path)
            flush(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    replace_file(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a binary file atomically."""
    replace_file(path, lambda temporary: temporary.write_bytes(content))


def write_json(path: Path, value: object) -> None:
    """Write JSON atomically, keys in the order given."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def sha256(path: Path) -> str:
    """Hash of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write at `path` into a StorageError."""
    try:
        yield
    except OSError as error:
        # HDF5 reports a full disk as a plain OSError whose text carries the errno.
        full = error.errno in (errno.ENOSPC, errno.EDQUOT) or "No space left on device" in str(error)
        raise StorageError(
            "the disk is full" if full else "a file could not be written",
            where=str(path),
            why=str(error),
            fix="free some space and run the same command again: finished work is kept"
            if full
            else "check that the folder exists and may be written to",
        ) from error


def flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
