"""A disk that refuses: an error of pajamo's own, nothing half-written, and the next run completes as usual."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import pajamo
from pajamo.data.atomic import TEMPORARY
from pajamo.errors import StorageError

Completed = Callable[[Path], dict[str, bytes]]


class FullAfter:
    """os.replace that works a number of times and then finds the disk full."""

    def __init__(self, writes: int) -> None:
        self.left, self.works = writes, os.replace

    def __call__(self, source: Any, target: Any) -> None:
        if self.left == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
        self.left -= 1
        self.works(source, target)


def half_written(folder: Path) -> list[Path]:
    return [f for f in folder.rglob(f"*{TEMPORARY}") if f.is_file()]


def test_every_nth_write_may_fail(
    nursery: Any,
    undisturbed: Any,
    completed: Completed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    without_report: None,
) -> None:
    # Each attempt goes on where the one before stopped: the first ones fail in the ladder, the last in the tables.
    for writes in (0, 2, 13, 16, 9, 14, 19, 23):
        with monkeypatch.context() as disk:
            disk.setattr(os, "replace", FullAfter(writes))
            with pytest.raises(StorageError, match="the disk is full") as caught:
                pajamo.run(nursery.study, runs=tmp_path)
        assert "finished work is kept" in caught.value.fix
        assert caught.value.where
        assert not half_written(tmp_path)
        assert not [f for f in tmp_path.glob("*/manifest.json") if f.parent.suffix != ".unfinished"]
    pajamo.run(nursery.study, runs=tmp_path)
    assert completed(tmp_path) == undisturbed.results


@pytest.mark.parametrize("largest", [10_000, 50_000])
def test_files_that_cannot_grow_are_a_storage_error(
    nursery: Any, undisturbed: Any, completed: Completed, tmp_path: Path, largest: int
) -> None:
    ended = nursery.run(tmp_path, largest=largest)
    assert ended.code == 3, ended.log
    assert "error: a file could not be written" in ended.log
    for part in ("where: ", "why: ", "next: "):
        assert part in ended.log
    assert "Traceback" not in ended.log
    assert not half_written(tmp_path)
    assert nursery.run(tmp_path).code == 0
    assert completed(tmp_path) == undisturbed.results


def test_a_flush_that_fails_leaves_what_stood_there(
    undisturbed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    folder = tmp_path / undisturbed.path.name
    shutil.copytree(undisturbed.path, folder)

    def refuse(handle: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", refuse)
        with pytest.raises(StorageError, match="a file could not be written"):
            pajamo.report(folder)
    assert pajamo.verify(folder) == pajamo.verify(undisturbed.path)
    assert not half_written(folder)


def test_a_place_that_cannot_be_a_folder(nursery: Any, tmp_path: Path, command: Callable[..., Any]) -> None:
    (tmp_path / "runs").write_text("a file")
    outcome = command("run", nursery.study, "--runs", tmp_path / "runs")
    assert outcome.code == 3
    assert "a file could not be written" in outcome.err
    assert "check that the folder exists and may be written to" in outcome.err


def test_outputs_of_single_commands_are_whole_or_not_there(
    nursery: Any, tmp_path: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, made = tmp_path / "model.safetensors", tmp_path / "made.h5ad"
    with monkeypatch.context() as disk:
        disk.setattr(os, "replace", FullAfter(0))
        assert command("fit", nursery.study, "-o", model).code == 3
    assert not list(tmp_path.iterdir())
    assert command("fit", nursery.study, "-o", model).code == 0
    with monkeypatch.context() as disk:
        disk.setattr(os, "replace", FullAfter(0))
        outcome = command("predict", model, "SIM00001", "-o", made)
    assert outcome.code == 3
    assert "the disk is full" in outcome.err
    assert [f.name for f in tmp_path.iterdir()] == ["model.safetensors"]
