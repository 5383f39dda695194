"""What a store is exported to equals what it was built from."""

from __future__ import annotations

from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from tests.data.store.small_stores import cells, store_of

from pajamo.data.store.building import build_store
from pajamo.data.store.exporting import export_h5ad, export_zarr
from pajamo.data.store.packing import compress_store
from pajamo.errors import DataError, StorageError


def assert_same(found: anndata.AnnData, adata: anndata.AnnData) -> None:
    np.testing.assert_array_equal(found.X.toarray(), adata.X.toarray())
    pd.testing.assert_frame_equal(found.obs, adata.obs, check_categorical=True)
    pd.testing.assert_frame_equal(found.var, adata.var)


@pytest.mark.parametrize("largest", [3, 300, 70_000])
def test_an_exported_h5ad_equals_its_source(tmp_path: Path, largest: int) -> None:
    adata = cells(largest=largest)
    export_h5ad(store_of(tmp_path, adata), tmp_path / "out.h5ad")
    assert_same(anndata.read_h5ad(tmp_path / "out.h5ad"), adata)


def test_an_exported_zarr_equals_its_source_and_becomes_the_same_store(tmp_path: Path) -> None:
    adata = cells()
    store = store_of(tmp_path, adata)
    export_zarr(store, tmp_path / "out.zarr")
    assert_same(anndata.read_zarr(tmp_path / "out.zarr"), adata)
    again = build_store([tmp_path / "out.zarr"], tmp_path / "again.pstore")
    np.testing.assert_array_equal(again.dense(slice(None)), store.dense(slice(None)))


def test_a_compressed_store_is_exported_too(tmp_path: Path) -> None:
    adata = cells()
    packed = compress_store(store_of(tmp_path, adata), tmp_path / "packed", block_cells=64)
    export_h5ad(packed, tmp_path / "out.h5ad")
    assert_same(anndata.read_h5ad(tmp_path / "out.h5ad"), adata)


def test_many_blocks_are_written_behind_one_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pajamo.data.store.exporting.CELLS_AT_ONCE", 7)
    adata = cells()
    export_h5ad(store_of(tmp_path, adata), tmp_path / "out.h5ad")
    assert_same(anndata.read_h5ad(tmp_path / "out.h5ad"), adata)


def test_both_index_arrays_have_one_type(tmp_path: Path) -> None:
    export_h5ad(store_of(tmp_path, cells()), tmp_path / "out.h5ad")
    with h5py.File(tmp_path / "out.h5ad") as file:
        assert file["X/indices"].dtype == file["X/indptr"].dtype == np.int32


def test_an_existing_folder_is_kept_and_a_broken_export_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_of(tmp_path, cells())
    export_zarr(store, tmp_path / "out.zarr")
    with pytest.raises(DataError, match="exists already"):
        export_zarr(store, tmp_path / "out.zarr")
    before = set(tmp_path.iterdir())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pajamo.data.store.exporting._write_csr", full)
    for export, name in ((export_zarr, "b.zarr"), (export_h5ad, "b.h5ad")):
        with pytest.raises(StorageError, match="disk is full"):
            export(store, tmp_path / name)
    assert set(tmp_path.iterdir()) == before
