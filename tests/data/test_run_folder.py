"""A run is either unfinished and can go on, or complete and exactly as it was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from pajamo.data.atomic import write_text
from pajamo.data.run_folder import RunFolder, read_manifest, verify_run
from pajamo.errors import IntegrityError, StorageError


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "runs" / "screen-1")
    with folder.writing():
        write_text(folder.step("fold0.csv"), "intermediate")
        write_text(folder.work / "metrics.csv", "mse\n.5\n")
        folder.finish({"study": "screen"})
    return folder


def test_complete_run_verifies_and_keeps_no_steps(run: RunFolder) -> None:
    assert run.complete
    assert verify_run(run.path) == 1
    assert sorted(f.name for f in run.path.iterdir()) == ["manifest.json", "metrics.csv"]
    assert read_manifest(run.path)["study"] == "screen"
    assert not run.work.exists()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda path: (path / "metrics.csv").write_text("mse\n.4\n"), "altered: metrics.csv"),
        (lambda path: (path / "metrics.csv").unlink(), "missing: metrics.csv"),
        (lambda path: (path / "other.csv").write_text(""), "not of this run: other.csv"),
    ],
)
def test_every_change_is_named(run: RunFolder, change, word: str) -> None:
    change(run.path)
    with pytest.raises(IntegrityError, match=word):
        verify_run(run.path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"files": 3}'])
def test_damaged_manifest(run: RunFolder, text: str) -> None:
    (run.path / "manifest.json").write_text(text)
    with pytest.raises(IntegrityError, match="damaged"):
        verify_run(run.path)


def test_unfinished_run_says_so_and_keeps_its_steps(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "runs" / "screen-1")
    with folder.writing():
        write_text(folder.step("fold0.csv"), "done")
        (folder.work / ".half.1.unfinished").write_text("ha")
    with pytest.raises(IntegrityError, match="not finished"):
        verify_run(folder.path)
    with folder.writing():
        assert folder.step("fold0.csv").read_text() == "done"
        assert not list(folder.work.glob(".half*"))


def test_refused_study_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "runs" / "screen-1")
    with pytest.raises(IntegrityError, match="truncated"), folder.writing():
        raise IntegrityError("the screen is truncated")
    assert list((tmp_path / "runs").iterdir()) == []


def test_two_writers(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "runs" / "screen-1")
    with folder.writing(), pytest.raises(StorageError, match="another process"), folder.writing():
        pass


def test_no_such_run(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="no such run"):
        verify_run(tmp_path / "nothing")
    with pytest.raises(IntegrityError, match="not a run"):
        verify_run(tmp_path)
