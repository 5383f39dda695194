"""A protocol travels with the cells it is about, and a study that contradicts it is refused."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pytest

from pajamo.errors import DataError, IntegrityError, StorageError, StudyError
from pajamo.protocols import Protocol, culture, differentiate, measure, perturb
from pajamo.protocols.stored import KEY, get_protocol, put_protocol, read_protocol, settled, write_protocol

PROTOCOL = Protocol.of(
    perturb("crispri", strength=0.9, onset=0.5), culture("m é", 2.0), differentiate("d"), measure(batch="lane"),
    time_unit="day",
)  # fmt: skip


@pytest.fixture
def screen(tmp_path: Path) -> Path:
    path = tmp_path / "screen.h5ad"
    adata = anndata.AnnData(np.arange(6.0, dtype=np.float32).reshape(3, 2))
    adata.uns["other"] = {"kept": "as it is"}
    adata.write_h5ad(path)
    return path


def test_what_is_written_is_read(screen: Path, tmp_path: Path) -> None:
    assert read_protocol(screen) is None
    before = screen.read_bytes()
    out = write_protocol(screen, PROTOCOL, tmp_path / "new.h5ad")
    assert read_protocol(out) == PROTOCOL
    assert screen.read_bytes() == before
    adata = anndata.read_h5ad(out)
    assert get_protocol(adata) == PROTOCOL
    assert adata.uns["other"]["kept"] == "as it is"
    np.testing.assert_array_equal(adata.X, anndata.read_h5ad(screen).X)
    again = write_protocol(out, Protocol.plain(), tmp_path / "again.h5ad")
    assert read_protocol(again) == Protocol.plain()


def test_in_memory(screen: Path, tmp_path: Path) -> None:
    adata = anndata.read_h5ad(screen)
    assert get_protocol(adata) is None
    put_protocol(adata, PROTOCOL)
    adata.write_h5ad(tmp_path / "new.h5ad")
    assert read_protocol(tmp_path / "new.h5ad") == PROTOCOL


def test_nothing_is_overwritten_and_nothing_is_left_behind(
    screen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match="exists already"):
        write_protocol(screen, PROTOCOL, screen)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pajamo.protocols.stored.shutil.copyfile", full)
    with pytest.raises(StorageError, match="disk is full"):
        write_protocol(screen, PROTOCOL, tmp_path / "new.h5ad")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["screen.h5ad"]


@pytest.mark.parametrize("note", ["not json", "[1]", 3.5, ["a", "b"], '{"format": 1}'])
def test_a_damaged_note_is_refused(screen: Path, tmp_path: Path, note: object) -> None:
    adata = anndata.read_h5ad(screen)
    adata.uns[KEY] = note
    adata.write_h5ad(tmp_path / "damaged.h5ad")
    with pytest.raises(IntegrityError) as caught:
        read_protocol(tmp_path / "damaged.h5ad")
    assert KEY in str(caught.value)


def test_study_and_file_must_agree() -> None:
    assert settled(None, None, "x") is None
    assert (
        settled(PROTOCOL, None, "x")
        == settled(None, PROTOCOL, "x")
        == settled(PROTOCOL, PROTOCOL, "x")
        == PROTOCOL
    )
    other = Protocol.of(*PROTOCOL.settings.steps, time_unit="day", clock="start")
    with pytest.raises(StudyError, match=r"what was done to the cells: clock") as caught:
        settled(other, PROTOCOL, "screen.h5ad")
    assert "screen.h5ad" in str(caught.value)
