"""Folders of arrays: what was written is read, what broke leaves nothing, what was altered is found."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pajamo.data.mapped import MappedFolder, MappedWriter
from pajamo.data.mapped import manifest as manifests
from pajamo.errors import DataError, IntegrityError, StorageError

KIND, VERSION = "numbers", 1


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of 64 bytes, so that a few numbers span several."""
    for module in ("manifest", "reading", "writing"):
        monkeypatch.setattr(f"pajamo.data.mapped.{module}.BLOCK_BYTES", 64)


def written(path: Path, values: np.ndarray, dtype: str | None = None) -> MappedFolder:
    with MappedWriter(path, KIND, VERSION) as writer:
        writer.write("values", values, dtype)
        writer.commit({"note": "whole"})
    return MappedFolder.open(path, KIND, VERSION)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=6), st.integers(1, 3))
def test_pieces_written_and_appended_are_one_array(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[int], width: int
) -> None:
    path = tmp_path_factory.mktemp("mapped") / "folder"
    rng = np.random.default_rng(sum(pieces))
    parts = [rng.integers(0, 60_000, size=(n, width)).astype(np.uint16) for n in pieces]
    written(path, parts[0])
    for part in parts[1:]:
        with MappedWriter(path, KIND, VERSION, append=True) as writer:
            writer.write("values", part)
            writer.commit({})
    found = MappedFolder.open(path, KIND, VERSION)
    found.verify()
    np.testing.assert_array_equal(found.array("values"), np.concatenate(parts))


def test_arrays_cannot_be_written_through(tmp_path: Path) -> None:
    found = written(tmp_path / "folder", np.arange(10)).array("values")
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 9


def test_an_altered_byte_is_placed_in_its_block(tmp_path: Path) -> None:
    opened = written(tmp_path / "folder", np.arange(100, dtype=np.uint8))
    with (tmp_path / "folder" / "values.bin").open("r+b") as file:
        file.seek(70)
        file.write(b"\xff")
    with pytest.raises(IntegrityError, match="block 1"):
        opened.verify()
    assert list(opened.damaged("values")) == [1]


def test_a_truncated_file_is_refused_when_opened(tmp_path: Path) -> None:
    written(tmp_path / "folder", np.arange(100, dtype=np.uint8))
    os.truncate(tmp_path / "folder" / "values.bin", 99)
    with pytest.raises(IntegrityError, match="99 of 100 bytes"):
        MappedFolder.open(tmp_path / "folder", KIND, VERSION)


@pytest.mark.parametrize(
    ("kind", "version", "complaint"),
    [("cells", 1, "holds 'numbers', not 'cells'"), (KIND, 0, "newer than this pajamo")],
)
def test_another_kind_or_a_newer_version_is_refused(
    tmp_path: Path, kind: str, version: int, complaint: str
) -> None:
    written(tmp_path / "folder", np.arange(3))
    with pytest.raises(IntegrityError, match=complaint):
        MappedFolder.open(tmp_path / "folder", kind, version)


def test_an_altered_manifest_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "folder", np.arange(3))
    manifest = tmp_path / "folder" / manifests.NAME
    manifest.write_text(manifest.read_text().replace("whole", "white"))
    with pytest.raises(IntegrityError, match="does not match its own checksum"):
        MappedFolder.open(tmp_path / "folder", KIND, VERSION)


def broken(path: Path, values: np.ndarray, *, append: bool = False) -> None:
    with MappedWriter(path, KIND, VERSION, append=append) as writer:
        writer.write("values", values)
        raise RuntimeError("broke")


def test_a_write_that_breaks_leaves_nothing_and_blocks_no_retry(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="broke"):
        broken(tmp_path / "folder", np.arange(3))
    assert list(tmp_path.iterdir()) == []
    written(tmp_path / "folder", np.arange(3))


def test_an_append_that_breaks_changes_nothing(tmp_path: Path) -> None:
    before = written(tmp_path / "folder", np.arange(30))
    with pytest.raises(RuntimeError, match="broke"):
        broken(tmp_path / "folder", np.arange(100), append=True)
    for opened in (before, MappedFolder.open(tmp_path / "folder", KIND, VERSION)):
        opened.verify()
        np.testing.assert_array_equal(opened.array("values"), np.arange(30))
    with MappedWriter(tmp_path / "folder", KIND, VERSION, append=True) as writer:
        writer.write("values", np.arange(30, 40))
        writer.commit({})
    np.testing.assert_array_equal(
        MappedFolder.open(tmp_path / "folder", KIND, VERSION).array("values"), np.arange(40)
    )


def _append_and_die(path: Path) -> None:
    with MappedWriter(path, KIND, VERSION, append=True) as writer:
        writer.write("values", np.arange(1000))
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_append_changes_nothing_and_lets_go_of_the_folder(tmp_path: Path) -> None:
    written(tmp_path / "folder", np.arange(30))
    process = multiprocessing.get_context("fork").Process(target=_append_and_die, args=(tmp_path / "folder",))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    with MappedWriter(tmp_path / "folder", KIND, VERSION, append=True) as writer:
        writer.write("values", np.arange(30, 33))
        writer.commit({})
    opened = MappedFolder.open(tmp_path / "folder", KIND, VERSION)
    opened.verify()
    np.testing.assert_array_equal(opened.array("values"), np.arange(33))


def test_two_writers_of_one_folder_are_refused(tmp_path: Path) -> None:
    written(tmp_path / "folder", np.arange(3))
    with (
        MappedWriter(tmp_path / "folder", KIND, VERSION, append=True),
        pytest.raises(DataError, match="another process is writing"),
        MappedWriter(tmp_path / "folder", KIND, VERSION, append=True),
    ):
        pass


def test_a_folder_that_exists_is_not_overwritten(tmp_path: Path) -> None:
    written(tmp_path / "folder", np.arange(3))
    with pytest.raises(DataError, match="exists already"):
        MappedWriter(tmp_path / "folder", KIND, VERSION)


def test_a_value_that_does_not_fit_is_an_error_with_its_row(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"300 does not fit into uint8") as caught:
        written(tmp_path / "folder", np.array([[0, 0]] * 5 + [[3, 300]]), "uint8")
    assert "row 5" in caught.value.where
    assert not (tmp_path / "folder").exists()


def test_a_full_disk_is_pajamos_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pajamo.data.mapped.writing.os.fsync", full)
    with pytest.raises(StorageError, match="disk is full"):
        written(tmp_path / "folder", np.arange(3))
    assert list(tmp_path.iterdir()) == []


def test_files_of_the_folder_are_hashed(tmp_path: Path) -> None:
    with MappedWriter(tmp_path / "folder", KIND, VERSION) as writer:
        with writer.file("names.txt") as path:
            path.write_text("one\n")
        writer.commit({})
    opened = MappedFolder.open(tmp_path / "folder", KIND, VERSION)
    opened.verify()
    (tmp_path / "folder" / "names.txt").write_text("two\n")
    with pytest.raises(IntegrityError, match=r"names\.txt was altered"):
        opened.verify()
