"""Checkpoints of a run of any number of processes: written beside the training, there as a whole or not at all."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import save_file

from pajamo.data.atomic import TEMPORARY, flush, storage_errors
from pajamo.errors import IntegrityError, StorageError, warn
from pajamo.training.engine.manifest import Manifest, PartFile, Stored, part_file, verify_parts
from pajamo.training.engine.planning import State, part_name, planned_writing
from pajamo.training.engine.processes import Processes
from pajamo.training.engine.restoring import restore

Facts = dict[str, Any]


@dataclass(frozen=True)
class _Pending:
    step: int
    facts: Facts
    arrays: dict[str, Stored]
    written: Future[PartFile]


class Checkpoints:
    """The checkpoints of one run: folders step_N, of which the newest `keep` are kept.

    A save copies the arrays, then a thread writes them to step_N.unfinished; when all processes are done, `commit`
    writes the manifest and renames the folder. Whatever is killed whenever, the last step_N is whole.

    Parameters
    ----------
    folder: of the run; all processes see it.
    processes: that take part; each writes its own pieces.
    keep: checkpoints that are kept.
    """

    def __init__(self, folder: Path, processes: Processes, keep: int) -> None:
        self.folder, self.processes, self.keep = folder, processes, keep
        self._writer = ThreadPoolExecutor(1, "checkpoint")
        self._pending: _Pending | None = None

    def save(self, step: int, state: State, facts: Facts) -> None:
        """Begin a checkpoint: when this returns, the arrays may change again. All processes call it.

        Raises
        ------
        StorageError: the folder cannot be made, or the checkpoint before could not be written.
        """
        if self._pending is not None:
            self.commit()
        self._everywhere(lambda: self._clear(self._unfinished(step)))
        plan = planned_writing(state, self.processes)
        copies = {name: piece.to("cpu", copy=True).contiguous() for name, piece in plan.own.items()}
        path = self._unfinished(step) / part_name(self.processes.rank)
        self._pending = _Pending(step, facts, plan.arrays, self._writer.submit(_write_part, path, copies))

    @property
    def writing(self) -> bool:
        """Whether this process still writes its pieces."""
        return self._pending is not None and not self._pending.written.done()

    @property
    def pending(self) -> bool:
        """Whether a checkpoint was begun and not committed."""
        return self._pending is not None

    def commit(self) -> None:
        """Finish the checkpoint that was begun, waiting for all pieces; then delete old ones. All processes call it.

        Raises
        ------
        StorageError: the disk of some process is full or refuses; checkpoints before it stay.
        """
        if self._pending is None:
            return
        pending, self._pending = self._pending, None
        parts = self.processes.gathered(_outcome(pending.written))
        for part in parts:
            if isinstance(part, StorageError):
                raise part
        written = tuple(part for part in parts if isinstance(part, PartFile))
        self._everywhere(lambda: self._place(pending.step, Manifest(pending.arrays, written, pending.facts)))

    def load(self, state: State, check: Callable[[Facts], None]) -> Facts | None:
        """Fill arrays from the newest checkpoint that is whole, however many processes wrote it.

        Parameters
        ----------
        state: arrays to fill, by name; whole or in pieces.
        check: looks at the facts before anything is filled, and raises if they are of another run.

        Returns
        -------
        Its facts; None if there is no checkpoint.

        Raises
        ------
        IntegrityError: there are checkpoints, and none of them is whole.
        ModelError: the arrays are not those of this model.
        """
        steps = self.processes.told(committed_steps(self.folder))
        for step in reversed(steps):
            path = self.folder / f"step_{step}"
            problems = [one for one in self.processes.gathered(self._problem(path)) if one is not None]
            if not problems:
                manifest = Manifest.read(path)
                check(manifest.facts)
                restore(path, manifest, state)
                return manifest.facts
            if self.processes.first:
                warn(f"{problems[0]}\ntraining goes on from the checkpoint before it, if there is one")
        if steps:
            raise IntegrityError(
                "no checkpoint of this run is whole",
                where=str(self.folder),
                fix="take one from a backup, or delete the folder and train again",
            )
        return None

    def close(self) -> None:
        """Let the writing thread end; what was not committed does not count."""
        self._writer.shutdown(wait=True, cancel_futures=True)

    def tidy(self) -> None:
        """Delete what processes that were killed have left unfinished. All processes call it.

        Raises
        ------
        StorageError: the folder cannot be made or written to.
        """
        self._everywhere(self._tidy)

    def _tidy(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for left in self.folder.glob(f"step_*{TEMPORARY}"):
            shutil.rmtree(left)

    def _problem(self, path: Path) -> IntegrityError | None:
        """What is wrong with this process's share of a checkpoint's files."""
        try:
            verify_parts(path, self.processes.share(Manifest.read(path).parts))
        except IntegrityError as error:
            return error
        return None

    def _everywhere(self, act: Callable[[], None]) -> None:
        """Let the first process act; what the disk says to it is said to all."""
        problem: StorageError | None = None
        if self.processes.first:
            try:
                with storage_errors(self.folder):
                    act()
            except StorageError as error:
                problem = error
        problem = self.processes.told(problem)
        if problem is not None:
            raise problem

    def _clear(self, unfinished: Path) -> None:
        if unfinished.exists():
            shutil.rmtree(unfinished)
        unfinished.mkdir(parents=True)

    def _place(self, step: int, manifest: Manifest) -> None:
        unfinished, path = self._unfinished(step), self.folder / f"step_{step}"
        manifest.write(unfinished)
        flush(unfinished)
        if path.exists():  # a damaged one, from before which training went on
            self._delete(path)
        os.replace(unfinished, path)
        flush(self.folder)
        for old in committed_steps(self.folder)[: -self.keep]:
            self._delete(self.folder / f"step_{old}")

    def _delete(self, path: Path) -> None:
        # Renamed first: half of a checkpoint must not look like one.
        going = path.with_name(f"{path.name}.old{TEMPORARY}")
        os.replace(path, going)
        shutil.rmtree(going)

    def _unfinished(self, step: int) -> Path:
        return self.folder / f"step_{step}{TEMPORARY}"


def committed_steps(folder: Path) -> list[int]:
    """Steps of which there is a checkpoint, ascending."""
    names = [path.name for path in folder.glob("step_*")] if folder.is_dir() else []
    return sorted(int(name[5:]) for name in names if re.fullmatch(r"step_\d+", name))


def _write_part(path: Path, pieces: State) -> PartFile:
    with storage_errors(path):
        try:
            save_file(pieces, path)
        except SafetensorError as error:
            # Its own error class hides that the operating system refused.
            raise OSError(str(error)) from error
        flush(path)
        return part_file(path)


def _outcome(written: Future[PartFile]) -> PartFile | StorageError:
    try:
        return written.result()
    except StorageError as error:
        return error
