"""Folders of other formats that either are there whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pajamo.data.atomic import TEMPORARY, storage_errors
from pajamo.errors import DataError


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A path beside `out` that takes its place when all is written, and vanishes if anything breaks.

    Raises
    ------
    DataError: `out` exists.
    StorageError: the disk is full or refuses.
    """
    if out.exists():
        raise DataError(
            "the folder exists already", where=str(out), fix="give another name, or delete it first"
        )
    folder = out.with_name(f".{out.name}.{os.getpid()}{TEMPORARY}")
    with storage_errors(out):
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            yield folder
            _flush_all(folder)
            os.replace(folder, out)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _flush_all(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
