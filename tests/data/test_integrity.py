"""A file that was cut, altered or made to harm is refused with pajamo's own error."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from pajamo.config import DataSettings
from pajamo.data.reading import integrity, trial
from pajamo.data.reading.integrity import guard_hdf5, reading_errors
from pajamo.data.reading.screens import read_screen
from pajamo.errors import DataError, IntegrityError

Write = Callable[..., Path]


def external_link(file: h5py.File) -> None:
    del file["X"]
    file["X"] = h5py.ExternalLink("secret.h5", "/X")


def soft_link(file: h5py.File) -> None:
    file["obs/loop"] = h5py.SoftLink("/obs")


def external_values(file: h5py.File) -> None:
    file.create_dataset("uns/password", shape=(16,), dtype="u1", external=[("/etc/passwd", 0, 16)])


def virtual_values(file: h5py.File) -> None:
    layout = h5py.VirtualLayout(shape=(4,), dtype="i4")
    layout[:] = h5py.VirtualSource("secret.h5", "x", shape=(4,))
    file.create_virtual_dataset("obs/secret", layout)


def huge_promise(file: h5py.File) -> None:
    file.create_dataset("obs/huge", shape=(1 << 40,), dtype="f8", chunks=(1024,))


def group_in_itself(file: h5py.File) -> None:
    file["obs/again"] = file["obs"]


def lists_as_values(file: h5py.File) -> None:
    file.create_dataset("obs/lists", shape=(2,), dtype=h5py.vlen_dtype(np.int32))


def lists_as_attribute(file: h5py.File) -> None:
    lists = np.empty(1, dtype=object)
    lists[0] = np.array([1, 2], dtype=np.int32)
    file["obs"].attrs.create("note", lists, dtype=h5py.vlen_dtype(np.int32))


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (external_link, "X"),
        (soft_link, "obs/loop"),
        (external_values, "uns/password"),
        (virtual_values, "obs/secret"),
        (huge_promise, "8,796,093,022,208 bytes"),
        (group_in_itself, "obs/again"),
        (lists_as_values, "lists of variable length"),
        (lists_as_attribute, "lists of variable length"),
    ],
)
def test_what_reaches_outside_or_exhausts_is_refused(
    screen_file: Write, spoil: Callable[[h5py.File], None], word: str
) -> None:
    path = screen_file()
    guard_hdf5(path)
    with h5py.File(path, "r+") as file:
        spoil(file)
    for read in (guard_hdf5, lambda path: read_screen(DataSettings(path=path))):
        with pytest.raises(IntegrityError, match="will not be read") as raised:
            read(path)
        assert word in str(raised.value)


def test_too_many_entries_are_refused(screen_file: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = screen_file()
    monkeypatch.setattr(integrity, "MOST_OBJECTS", 5)
    with pytest.raises(IntegrityError, match="more than 5 entries"):
        guard_hdf5(path)


def test_constant_columns_compress_far_and_are_accepted(tmp_path: Path) -> None:
    path = tmp_path / "zeros.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("zeros", data=np.zeros(5_000_000), compression="gzip", compression_opts=9)
        file["empty"] = h5py.Empty("f8")
        file["nothing"] = np.zeros(0)
    guard_hdf5(path)


def test_what_is_not_an_h5ad_is_named(tmp_path: Path) -> None:
    text, empty, other = tmp_path / "notes.h5ad", tmp_path / "empty.h5ad", tmp_path / "other.h5"
    text.write_text("cells,genes\n")
    empty.touch()
    with h5py.File(other, "w") as file:
        file["weights"] = np.zeros(3)
    for path, error, word in (
        (text, IntegrityError, "does not begin"),
        (empty, IntegrityError, "empty"),
        (other, IntegrityError, "no obs and no var; it has weights"),
        (tmp_path, DataError, "folder"),
        (tmp_path / "absent.h5ad", DataError, "no such file"),
    ):
        with pytest.raises(error, match=word):
            read_screen(DataSettings(path=path))


def test_file_before_anndata_0_7_asks_to_be_rewritten(tmp_path: Path) -> None:
    path = tmp_path / "old.h5ad"
    with h5py.File(path, "w") as file:
        file["obs"] = np.zeros(2, dtype=[("index", "S4")])
        file["var"] = np.zeros(2, dtype=[("index", "S4")])
        file["X"] = np.zeros((2, 2))
    with pytest.raises(DataError, match=r"before 0.7"):
        read_screen(DataSettings(path=path))


def test_encoding_of_a_newer_anndata_asks_for_an_update(screen_file: Write) -> None:
    path = screen_file()
    with h5py.File(path, "r+") as file:
        file["obs"].attrs["encoding-version"] = "9.9.9"
    with pytest.raises(IntegrityError, match="update anndata"):
        read_screen(DataSettings(path=path))


def test_unknown_compression_is_explained(tmp_path: Path) -> None:
    with (
        pytest.raises(IntegrityError, match="compression="),
        reading_errors(tmp_path / "a.h5ad"),
    ):
        raise OSError("Can't synchronously read data (can't open directory: /usr/local/hdf5/lib/plugin)")


@pytest.mark.parametrize("share", [0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.9999])
def test_truncated_file_is_refused(screen_file: Write, share: float) -> None:
    path = screen_file()
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(IntegrityError, match=r"truncated|not an h5ad|damaged"):
        read_screen(DataSettings(path=path))


FLIP = """
import sys
from pathlib import Path
import numpy as np
from pajamo.config import DataSettings
from pajamo.data.reading import trial
from pajamo.data.reading.screens import read_screen
from pajamo.errors import PajamoError

trial.PATIENCE = 5.0
whole = np.fromfile(sys.argv[1], dtype=np.uint8)
place = Path(sys.argv[1] + ".flipped")
for seed in range(int(sys.argv[2]), int(sys.argv[3])):
    random = np.random.default_rng(seed)
    spoiled = whole.copy()
    spoiled[random.integers(0, len(whole), 8)] ^= random.integers(1, 256, 8).astype(np.uint8)
    spoiled.tofile(place)
    try:
        read_screen(DataSettings(path=place))
        print(seed, "read", flush=True)
    except PajamoError as error:
        assert str(place) in str(error) or error.where, error
        print(seed, "refused", flush=True)
"""


def test_flipped_bytes_never_give_anything_but_our_own_error(screen_file: Write) -> None:
    """In a process of its own: the HDF5 library itself may crash on what it is given."""
    path = screen_file()
    done = subprocess.run(
        [sys.executable, "-c", FLIP, str(path), "0", "60"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    verdicts = [line.split()[1] for line in done.stdout.splitlines()]
    assert len(verdicts) == 60
    assert verdicts.count("refused") > 20


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("import os; os.kill(os.getpid(), 11)", "signal 11"),
        ("while True: pass", "did not end within 1 seconds"),
    ],
)
def test_crash_and_endless_search_of_the_library_become_our_error(
    screen_file: Write, monkeypatch: pytest.MonkeyPatch, body: str, word: str
) -> None:
    monkeypatch.setattr(trial, "FRAGILE", body)
    monkeypatch.setattr(trial, "PATIENCE", 1.0)
    with pytest.raises(IntegrityError, match=word):
        read_screen(DataSettings(path=screen_file()))


def test_what_is_merely_wrong_is_left_to_the_reader(
    screen_file: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "FRAGILE", "raise SystemExit(1)")
    assert read_screen(DataSettings(path=screen_file())).n_cells == 20
