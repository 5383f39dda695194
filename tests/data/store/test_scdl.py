"""BioNeMo's archives become stores with the same values, and those that lie about themselves are refused."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from pajamo.data.store.scdl import import_scdl
from pajamo.data.store.scdl_header import TYPES, is_scdl, read_header
from pajamo.errors import DataError, IntegrityError

pytest.importorskip("pyarrow")
NUMBER = {name: number for number, name in TYPES.items()}


def counts(cells: int, genes: int, seed: int = 0) -> sp.csr_matrix:
    rng = np.random.default_rng(seed)
    return sp.csr_matrix(rng.poisson(0.4, (cells, genes)))


def header(arrays: dict[str, np.ndarray], version: tuple[int, int, int] = (0, 1, 0)) -> bytes:
    content = struct.pack(">4s4BII", b"SCDL", *version, 1, 1, len(arrays))
    for name, array in arrays.items():
        content += struct.pack(">I", len(name)) + name.encode()
        content += struct.pack(">QIB", len(array), NUMBER[array.dtype.name], 0)
    return content + struct.pack(">I", 0)


def write_archive(
    folder: Path,
    parts: Sequence[sp.csr_matrix],
    *,
    dtype: str = "float32",
    obs: pd.DataFrame | None = None,
    var: Sequence[pd.DataFrame] = (),
) -> Path:
    """An archive as its schema describes it: one part for each list of genes."""
    data = np.concatenate([part.data for part in parts]).astype(dtype)
    columns = np.concatenate([part.indices for part in parts]).astype("uint16")
    lengths = np.concatenate([np.diff(part.indptr) for part in parts])
    pointers = np.concatenate([[0], np.cumsum(lengths)]).astype("uint32")
    folder.mkdir()
    arrays = {"DATA": data, "ROWPTR": pointers, "COLPTR": columns}
    (folder / "header.sch").write_bytes(header(arrays))
    for name, array in zip(("data", "row_ptr", "col_ptr"), arrays.values(), strict=True):
        array.tofile(folder / f"{name}.npy")
    cells = [part.shape[0] for part in parts]
    obs = pd.DataFrame({"p": ["ctrl"] * sum(cells)}) if obs is None else obs
    write_features(folder / "obs_features", [obs], [sum(cells)])
    named = [pd.DataFrame({"var_feature_id": [f"g{n}" for n in range(part.shape[1])]}) for part in parts]
    write_features(folder / "var_features", list(var) or named, np.cumsum(cells).tolist())
    return folder


def write_features(folder: Path, tables: Sequence[pd.DataFrame], ends: Sequence[int]) -> None:
    folder.mkdir()
    for number, table in enumerate(tables):
        table.to_parquet(folder / f"dataframe_{number}.parquet", index=False)
    np.save(folder / "cumulative_sum_index.npy", np.array([-1, *ends]))


@pytest.mark.parametrize("dtype", ["float32", "uint8", "float16", "uint32", "float64"])
def test_values_cells_and_genes_come_over(tmp_path: Path, dtype: str) -> None:
    table = counts(40, 12)
    obs = pd.DataFrame({"obs_feature_id": [f"c{n}" for n in range(40)], "batch": ["x", "y"] * 20})
    store = import_scdl(write_archive(tmp_path / "a", [table], dtype=dtype, obs=obs), tmp_path / "a.pstore")
    np.testing.assert_array_equal(store.dense(slice(None)), table.toarray())
    assert store.values.dtype == np.uint8
    assert list(store.genes) == [f"g{n}" for n in range(12)]
    assert list(store.obs.index) == list(obs["obs_feature_id"])
    assert list(store.obs["batch"].astype(str)) == list(obs["batch"])


def test_archives_of_many_blocks_are_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pajamo.data.store.scdl.AT_ONCE", 7)
    table = counts(60, 20)
    store = import_scdl(write_archive(tmp_path / "a", [table]), tmp_path / "a.pstore")
    np.testing.assert_array_equal(store.dense(slice(None)), table.toarray())


def test_parts_with_other_genes_are_joined_by_name(tmp_path: Path) -> None:
    parts = [counts(10, 6), counts(15, 4, seed=1)]
    var = [pd.DataFrame({"symbol": list("abcdef")}), pd.DataFrame({"symbol": list("fbxa")})]
    archive = write_archive(tmp_path / "a", parts, var=var)
    with pytest.raises(DataError, match="different genes"):
        import_scdl(archive, tmp_path / "no.pstore", gene_names="symbol")
    store = import_scdl(archive, tmp_path / "a.pstore", gene_names="symbol", genes="union")
    found = pd.DataFrame(store.dense(slice(None)), columns=store.genes)
    np.testing.assert_array_equal(found.loc[:9, list("abcdef")], parts[0].toarray())
    np.testing.assert_array_equal(found.loc[10:, list("fbxa")], parts[1].toarray())
    assert (found.loc[10:, list("cde")] == 0).all(axis=None)
    assert (found.loc[:9, "x"] == 0).all()


def test_names_of_genes_must_be_known(tmp_path: Path) -> None:
    var = [pd.DataFrame({"symbol": list("abcd"), "chromosome": list("1122")})]
    archive = write_archive(tmp_path / "a", [counts(5, 4)], var=var)
    with pytest.raises(DataError, match="does not keep the names") as caught:
        import_scdl(archive, tmp_path / "a.pstore")
    assert "symbol, chromosome" in caught.value.fix
    with pytest.raises(DataError, match="no feature 'symbols'"):
        import_scdl(archive, tmp_path / "a.pstore", gene_names="symbols")


def test_defect_1_values_cast_under_an_old_header_are_refused(tmp_path: Path) -> None:
    table = counts(20, 8)
    archive = write_archive(tmp_path / "a", [table])
    table.data.astype("uint8").tofile(archive / "data.npy")
    with pytest.raises(IntegrityError, match="the header says") as caught:
        import_scdl(archive, tmp_path / "a.pstore")
    assert "cast to another type" in caught.value.why
    assert not (tmp_path / "a.pstore").exists()


def test_defect_1_values_cast_to_a_type_of_the_same_width_are_refused(tmp_path: Path) -> None:
    table = counts(20, 8)
    archive = write_archive(tmp_path / "a", [table])
    table.data.astype("uint32").tofile(archive / "data.npy")
    with pytest.raises(IntegrityError, match="damaged") as caught:
        import_scdl(archive, tmp_path / "a.pstore")
    assert "whole numbers" in caught.value.why


@pytest.mark.parametrize("name", ["data", "col_ptr", "row_ptr"])
def test_defect_1_arrays_that_grew_under_an_old_header_are_refused(tmp_path: Path, name: str) -> None:
    archive = write_archive(tmp_path / "a", [counts(20, 8)])
    with (archive / f"{name}.npy").open("ab") as file:
        file.write(b"\1\0\0\0")
    with pytest.raises(IntegrityError, match=f"{name}.npy holds"):
        import_scdl(archive, tmp_path / "a.pstore")


class Trap:
    """A pickle that does something when it is opened."""

    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.fail, ("the pickle was opened",)


def test_pickled_labels_are_never_opened_and_labels_of_text_are(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "a", [counts(20, 8)])
    np.save(archive / "var_features" / "labels.npy", np.array([Trap()], dtype=object), allow_pickle=True)
    import_scdl(archive, tmp_path / "a.pstore")
    (archive / "var_features" / "labels.json").write_text(json.dumps(["plate1.h5ad"]))
    (archive / "data.npy").write_bytes(np.full(sum(1 for _ in counts(20, 8).data), -1, "float32").tobytes())
    with pytest.raises(DataError) as caught:
        import_scdl(archive, tmp_path / "b.pstore")
    assert "plate1.h5ad" in str(caught.value)


def test_the_archive_is_not_written_to(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "a", [counts(20, 8)])
    files = [path for path in archive.rglob("*") if path.is_file()]
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}
    store = import_scdl(archive, tmp_path / "a.pstore")
    store.dense([0])[:] = 99
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files} == before
    assert {path for path in archive.rglob("*") if path.is_file()} == set(files)


def test_headers_of_other_formats_and_versions_are_refused(tmp_path: Path) -> None:
    assert not is_scdl(tmp_path)
    with pytest.raises(IntegrityError, match="no header"):
        read_header(tmp_path)
    arrays = {"DATA": np.zeros(3, "float32")}
    path = tmp_path / "header.sch"
    path.write_bytes(b"SCDX" + header(arrays)[4:])
    assert is_scdl(tmp_path)
    with pytest.raises(IntegrityError, match="not the header"):
        read_header(tmp_path)
    path.write_bytes(header(arrays, version=(0, 2, 0)))
    with pytest.raises(IntegrityError, match=r"version 0\.2\.0, newer"):
        read_header(tmp_path)
    path.write_bytes(header(arrays)[:25])
    with pytest.raises(IntegrityError, match="damaged"):
        read_header(tmp_path)


def test_arrays_that_contradict_one_another_are_refused(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "a", [counts(20, 8)])
    columns = np.fromfile(archive / "col_ptr.npy", "uint16")
    columns[3] = 8
    columns.tofile(archive / "col_ptr.npy")
    with pytest.raises(IntegrityError, match="damaged") as caught:
        import_scdl(archive, tmp_path / "a.pstore")
    assert "outside of the 8 genes" in caught.value.why
    pointers = np.fromfile(archive / "row_ptr.npy", "uint32")
    pointers[-1] -= 1
    pointers.tofile(archive / "row_ptr.npy")
    with pytest.raises(IntegrityError, match="damaged"):
        import_scdl(archive, tmp_path / "a.pstore")


def test_tables_must_cover_the_cells(tmp_path: Path) -> None:
    obs = pd.DataFrame({"p": ["ctrl"] * 19})
    with pytest.raises(IntegrityError, match="describe 19 cells"):
        import_scdl(write_archive(tmp_path / "a", [counts(20, 8)], obs=obs), tmp_path / "a.pstore")
    archive = write_archive(tmp_path / "b", [counts(20, 8)])
    np.save(archive / "var_features" / "cumulative_sum_index.npy", np.array([-1, 19]))
    with pytest.raises(IntegrityError, match="20 cells"):
        import_scdl(archive, tmp_path / "b.pstore")
