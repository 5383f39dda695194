"""The record of one run: a folder that is either unfinished and can go on, or complete and verified.

runs/<id>.unfinished/    while the work goes on; each step's result is written atomically
runs/<id>/               after one rename at the very end, with manifest.json naming every file's hash
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pajamo.data.atomic import TEMPORARY, sha256, storage_errors, write_json, write_text
from pajamo.errors import IntegrityError, StorageError, shorten

UNFINISHED = ".unfinished"
MANIFEST = "manifest.json"
STEPS = "steps"
"""Folder of intermediate results inside an unfinished run; removed when the run is complete."""


@dataclass(frozen=True)
class RunFolder:
    """Where one run is written; `path` is its final place."""

    path: Path

    @property
    def work(self) -> Path:
        """Where the files lie until the run is complete."""
        return self.path.with_name(self.path.name + UNFINISHED)

    @property
    def _lock(self) -> Path:
        """Beside the folder, not in it: it must hold while the folder is put in its final place."""
        return self.path.with_name(f".{self.path.name}.lock")

    @property
    def complete(self) -> bool:
        """Whether the run has been finished."""
        return (self.path / MANIFEST).is_file()

    def step(self, name: str) -> Path:
        """Path of an intermediate result; if the file is there, the step is done."""
        return self.work / STEPS / name

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the unfinished folder alone, sweeping what a killed process left half-written.

        Raises
        ------
        StorageError: another process is writing this run, or the folder cannot be made.
        """
        with storage_errors(self.work):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(self._lock, os.O_RDWR | os.O_CREAT)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StorageError(
                    "another process is writing this run", where=str(self.work), fix="wait for it to end"
                ) from None
            for leftover in list(self.work.rglob(f"*{TEMPORARY}")):
                _remove(leftover)
            # Who held the lock before may have finished the run in the meantime.
            if not self.complete:
                with storage_errors(self.work):
                    (self.work / STEPS).mkdir(parents=True, exist_ok=True)
            try:
                yield
            finally:
                self._sweep()
        finally:
            os.close(lock)

    def _sweep(self) -> None:
        """A study that was refused before anything was written leaves nothing behind."""
        if not any(f.is_file() for f in self.work.rglob("*")):
            shutil.rmtree(self.work, ignore_errors=True)
            self._lock.unlink(missing_ok=True)

    def finish(self, manifest: dict[str, Any]) -> None:
        """Drop the steps, record every file's hash, and put the folder in its final place."""
        with storage_errors(self.path):
            shutil.rmtree(self.work / STEPS)
            files = {str(f.relative_to(self.work)): sha256(f) for f in _files(self.work)}
            write_json(self.work / MANIFEST, {**manifest, "files": files})
            os.replace(self.work, self.path)
            self._lock.unlink(missing_ok=True)


def replace_in_run(path: Path, name: str, text: str) -> None:
    """Write a file of a complete run anew, and its hash in the manifest.

    Raises
    ------
    IntegrityError: the run is not as it was written; nothing is changed.
    """
    verify_run(path)
    manifest = read_manifest(path)
    write_text(path / name, text)
    write_json(path / MANIFEST, {**manifest, "files": {**manifest["files"], name: sha256(path / name)}})


def _remove(leftover: Path) -> None:
    """What was being written when a process was killed: a file, or a folder such as a checkpoint."""
    if leftover.is_dir():
        shutil.rmtree(leftover)
    else:
        leftover.unlink(missing_ok=True)


def _files(folder: Path) -> list[Path]:
    return sorted(f for f in folder.rglob("*") if f.is_file() and f.name != MANIFEST)


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of a complete run.

    Raises
    ------
    IntegrityError: no such run, it is not finished, or its manifest is not readable.
    """
    if not path.is_dir():
        unfinished = path.with_name(path.name + UNFINISHED).is_dir()
        raise IntegrityError(
            "the run is not finished" if unfinished else "there is no such run",
            where=str(path),
            fix="run the study again: it goes on where it stopped" if unfinished else "check the path",
        )
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        if not isinstance(manifest["files"], dict):
            raise TypeError("`files` is not a table")
    except FileNotFoundError:
        raise IntegrityError(
            "this folder is not a run", where=str(path), why=f"it has no {MANIFEST}"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError("the manifest is damaged", where=str(path / MANIFEST), why=str(error)) from error
    return dict(manifest)


def verify_run(path: str | Path) -> int:
    """Check every file of a complete run against its manifest; returns how many were checked.

    Raises
    ------
    IntegrityError: files are altered, missing, or were added; each is named.
    """
    path = Path(path)
    recorded: dict[str, str] = read_manifest(path)["files"]
    present = {str(f.relative_to(path)): f for f in _files(path)}
    altered = [
        name for name, digest in recorded.items() if name in present and sha256(present[name]) != digest
    ]
    problems = {
        "altered": altered,
        "missing": sorted(recorded.keys() - present.keys()),
        "not of this run": sorted(present.keys() - recorded.keys()),
    }
    found = [f"{kind}: {shorten(names)}" for kind, names in problems.items() if names]
    if found:
        raise IntegrityError(
            "the run is not as it was written",
            where=str(path),
            why="; ".join(found),
            fix="restore these files, or move the folder away and run the study again",
        )
    return len(recorded)
