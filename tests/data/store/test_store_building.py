"""A store holds exactly what its files recorded, or it is not there.

Numbers in names are those of the defects that were found in an earlier store of this kind (SCDL).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import zarr
from tests.data.store.counted_screens import Make, counted, screened

from pajamo.data.store import CellStore
from pajamo.data.store.building import build_from, build_store
from pajamo.data.store.by_cell import blocks_by_cell
from pajamo.data.store.genes import common_genes, placed, places
from pajamo.data.store.layouts import blocks_of, line_blocks
from pajamo.data.store.sources import Source
from pajamo.errors import DataError, IntegrityError, PajamoWarning, StorageError

LAYOUTS = {"csr": sp.csr_matrix, "csc": sp.csc_matrix, "dense": lambda counts: counts.toarray()}


def dense(store: CellStore) -> np.ndarray:
    return store.dense(slice(None))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_store_defect_6(write: Make, tmp_path: Path, layout: str):
    counts = counted()
    store = build_store([write("a.h5ad", LAYOUTS[layout](counts))], tmp_path / "a.pstore")
    np.testing.assert_array_equal(dense(store), counts.toarray())
    np.testing.assert_array_equal(store.library_size, counts.sum(axis=1).A1)
    np.testing.assert_array_equal(store.tables.gene_cells, (counts > 0).sum(axis=0).A1)
    store.verify()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("version", [2, 3])
def test_zarr_of_either_version_is_read(tmp_path: Path, layout: str, version: int):
    counts = counted()
    adata = screened(LAYOUTS[layout](counts))
    with anndata.settings.override(zarr_write_format=version), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        adata.write_zarr(tmp_path / "a.zarr")
    store = build_store([tmp_path / "a.zarr"], tmp_path / "a.pstore")
    np.testing.assert_array_equal(dense(store), counts.toarray())
    assert list(store.obs["note"]) == list(adata.obs["note"])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_conversion_in_small_pieces_gives_the_same(tmp_path: Path, layout: str, monkeypatch):
    """Blocks of a few values, of a few row pointers, and buckets of a few cells."""
    monkeypatch.setattr("pajamo.data.store.layouts.AT_ONCE", 30)
    monkeypatch.setattr("pajamo.data.store.layouts.POINTERS_AT_ONCE", 7)
    counts = counted(cells=200)
    screened(LAYOUTS[layout](counts)).write_h5ad(tmp_path / "a.h5ad")
    with h5py.File(tmp_path / "a.h5ad") as file:
        if layout == "csc":
            blocks = list(blocks_by_cell(file["X"], counts.shape, "a", tmp_path, at_once=30))
        else:
            blocks = list(blocks_of(file["X"], layout, counts.shape, "a", tmp_path))
    assert len(blocks) > 5
    np.testing.assert_array_equal(sp.vstack(blocks).toarray(), counts.toarray())
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5ad"]


def test_blocks_of_lines_hold_about_as_many_values_as_asked(tmp_path: Path):
    counts = counted(cells=300)
    screened(counts).write_h5ad(tmp_path / "a.h5ad")
    with h5py.File(tmp_path / "a.h5ad") as file:
        blocks = list(line_blocks(file["X"], counts.shape, "a", sp.csr_matrix, at_once=50))
    assert [first for first, _, _ in blocks[1:]] == [last for _, last, _ in blocks[:-1]]
    assert max(block.nnz for _, _, block in blocks) < 50 + counts.shape[1]


def test_the_buckets_of_cells_are_limited_in_number(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("pajamo.data.store.by_cell.MOST_BUCKETS", 4)
    counts = counted(cells=200)
    screened(sp.csc_matrix(counts)).write_h5ad(tmp_path / "a.h5ad")
    with h5py.File(tmp_path / "a.h5ad") as file:
        blocks = list(blocks_by_cell(file["X"], counts.shape, "a", tmp_path, at_once=10))
    assert len(blocks) <= 4
    np.testing.assert_array_equal(sp.vstack(blocks).toarray(), counts.toarray())


def test_entries_out_of_order_or_stored_twice_are_put_in_order_and_added_up(tmp_path: Path):
    """8-bit counts of 200 + 100 make 300, not 44."""
    parts = (np.array([200, 1, 100, 0], np.uint8), np.array([2, 0, 2, 1]), np.array([0, 3, 4]))
    counts = sp.csr_matrix(parts, shape=(2, 3))
    path = tmp_path / "a.h5ad"
    screened(sp.csr_matrix(np.eye(2, 3, dtype=np.uint8))).write_h5ad(path)
    with h5py.File(path, "r+") as file:
        for name in ("data", "indices", "indptr"):
            del file["X"][name]
            file["X"][name] = getattr(counts, name)
    store = build_store([path], tmp_path / "a.pstore")
    np.testing.assert_array_equal(dense(store), [[1, 0, 300], [0, 0, 0]])
    assert len(store.values) == 2
    assert store.values.dtype == np.uint16


def test_genes_are_matched_by_name(write: Make, tmp_path: Path):
    counts, names = counted(genes=5), list("abcde")
    order = [3, 0, 4, 1, 2]
    first = write("1.h5ad", counts, genes=names)
    second = write("2.h5ad", counts[:, order], genes=[names[i] for i in order], first=60)
    store = build_store([first, second], tmp_path / "a.pstore")
    np.testing.assert_array_equal(dense(store), np.tile(counts.toarray(), (2, 1)))
    assert list(store.genes) == names
    assert store.obs.index[60] == "cell60"
    assert store.facts["sources"] == [{"file": "1.h5ad", "cells": 60}, {"file": "2.h5ad", "cells": 60}]


def _two(write: Make) -> list[Path]:
    counts = counted(genes=3)
    return [
        write("1.h5ad", counts, genes=["a", "b", "c"]),
        write("2.h5ad", counts, genes=["c", "d", "a"], first=60),
    ]


def test_files_that_list_different_genes_are_refused_with_their_names(write: Make, tmp_path: Path):
    with pytest.raises(DataError, match="1 are missing, 1 are new") as caught:
        build_store(_two(write), tmp_path / "a.pstore")
    assert "missing: b; new: d" in caught.value.why
    assert "2.h5ad" in caught.value.where
    assert "union" in caught.value.fix


def test_the_union_has_zeros_and_the_intersection_keeps_whole_libraries(write: Make, tmp_path: Path):
    counts = counted(genes=3).toarray()
    zero = np.zeros(60)
    union = build_store(_two(write), tmp_path / "u.pstore", genes="union")
    assert list(union.genes) == ["a", "b", "c", "d"]
    np.testing.assert_array_equal(dense(union)[60:].T, [counts[:, 2], zero, counts[:, 0], counts[:, 1]])
    both = build_store(_two(write), tmp_path / "i.pstore", genes="intersection")
    assert list(both.genes) == ["a", "c"]
    np.testing.assert_array_equal(dense(both)[60:], counts[:, [2, 0]])
    np.testing.assert_array_equal(both.library_size, np.tile(counts.sum(axis=1), 2))
    with pytest.raises(DataError, match="left genes out"):
        build_store([both.path], tmp_path / "again.pstore")


def test_files_without_a_gene_in_common_have_no_intersection(write: Make, tmp_path: Path):
    files = [write("1.h5ad", counted(genes=2)), write("2.h5ad", counted(genes=2), genes=["x", "y"], first=60)]
    with pytest.raises(DataError, match="no gene in common"):
        build_store(files, tmp_path / "a.pstore", genes="intersection")


@pytest.mark.parametrize("choice", ["same", "union", "intersection"])
def test_bringing_blocks_to_common_genes_equals_picking_columns_by_name(choice: str):
    """Against a naive look-up of each gene by name, for random lists of genes."""
    random = np.random.default_rng(0)
    for _ in range(20):
        lists = [random.permutation(12)[: 12 if choice == "same" else 8] for _ in range(3)]
        genes = [pd.Index([f"g{i}" for i in listed], dtype=object) for listed in lists]
        common = common_genes(["1", "2", "3"], genes, choice)
        for listed in genes:
            block = counted(cells=9, genes=len(listed), seed=int(random.integers(99)))
            found = placed(block, places(listed, common), len(common)).toarray()
            table = pd.DataFrame(block.toarray(), columns=listed).reindex(columns=common, fill_value=0)
            np.testing.assert_array_equal(found, table.to_numpy())


def test_names_that_occur_twice_are_refused(write: Make, tmp_path: Path):
    repeated = write("1.h5ad", counted(genes=3), genes=["a", "b", "c"])
    with h5py.File(repeated, "r+") as file:
        file["var/_index"][1] = "a"
    with pytest.raises(DataError, match="1 names of genes occur more than once: a"):
        build_store([repeated], tmp_path / "a.pstore")
    files = [write("2.h5ad", counted()), write("3.h5ad", counted())]
    with pytest.raises(DataError, match="60 names of cells occur more than once: cell0"):
        build_store(files, tmp_path / "a.pstore")


@pytest.mark.parametrize(
    ("most", "kind"),
    [(1, "uint8"), (255, "uint8"), (256, "uint16"), (70_000, "uint32"), (2**32 - 1, "uint32")],
)
def test_counts_take_the_smallest_type_that_holds_them(tmp_path: Path, most: int, kind: str):
    counts = sp.csr_matrix(counted().astype(np.float64))
    counts.data[-1] = most
    counts.data[:-1] = np.minimum(counts.data[:-1], most)
    screened(counts).write_h5ad(tmp_path / "a.h5ad")
    store = build_store([tmp_path / "a.h5ad"], tmp_path / "a.pstore")
    assert store.values.dtype == kind == store.facts["value_type"]
    assert store.facts["largest"] == most
    np.testing.assert_array_equal(store.dense(slice(None), dtype=np.float64), counts.toarray())


def test_counts_that_overflow_the_chosen_type_are_named_defect_4(write: Make, tmp_path: Path):
    counts = counted()
    counts[41, 7] = 300
    with pytest.raises(DataError, match="the value 300 does not fit into uint8") as caught:
        build_store([write("a.h5ad", counts)], tmp_path / "a.pstore", value_type="uint8")
    assert "cell 'cell41', gene 'g7'" in caught.value.where


@pytest.mark.parametrize(("value", "said"), [(-1, "negative"), (np.nan, "NaN"), (np.inf, "infinite")])
@pytest.mark.parametrize("value_type", [None, "uint16", "float32"])
def test_values_that_nothing_counts_are_named_defect_4(
    write: Make, tmp_path: Path, value: float, said: str, value_type: str | None
):
    counts = counted()
    counts[41, 7] = value
    with pytest.raises(DataError, match=said) as caught:
        build_store([write("a.h5ad", counts)], tmp_path / "a.pstore", value_type=value_type)
    assert "cell 'cell41', gene 'g7'" in caught.value.where
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5ad"]


def test_values_that_are_not_whole_are_kept_as_they_are_and_said_to_be_no_counts(write: Make, tmp_path: Path):
    logs = counted().log1p()
    with pytest.warns(PajamoWarning, match="no counts; they are stored as float32"):
        store = build_store([write("a.h5ad", logs)], tmp_path / "a.pstore")
    np.testing.assert_array_equal(dense(store), logs.toarray())
    assert not store.facts["whole"]
    with pytest.raises(DataError, match="does not fit into uint16"):
        build_store([tmp_path / "a.h5ad"], tmp_path / "b.pstore", value_type="uint16")


def test_a_layer_is_taken_by_name(tmp_path: Path):
    adata = screened(counted().log1p())
    adata.layers["counts"] = counted()
    adata.write_h5ad(tmp_path / "a.h5ad")
    store = build_store([tmp_path / "a.h5ad"], tmp_path / "a.pstore", layer="counts")
    np.testing.assert_array_equal(dense(store), counted().toarray())
    with pytest.raises(DataError, match="no layer 'count'"):
        build_store([tmp_path / "a.h5ad"], tmp_path / "b.pstore", layer="count")


def test_stores_are_sources_of_wider_stores(write: Make, tmp_path: Path):
    large = counted(seed=1) * 300
    small = build_store([write("a.h5ad", counted())], tmp_path / "a.pstore")
    store = build_store([small.path, write("b.h5ad", large, first=60)], tmp_path / "b.pstore")
    assert (small.values.dtype, store.values.dtype) == (np.uint8, np.uint16)
    np.testing.assert_array_equal(dense(store), np.vstack((counted().toarray(), large.toarray())))
    assert list(store.obs["note"][:60]) == list(small.obs["note"])


def _failing(store_cells: int) -> Iterator[sp.csr_matrix]:
    yield counted()[:store_cells]
    raise KeyboardInterrupt


def test_an_interrupted_conversion_leaves_nothing_and_the_retry_works_defect_6(tmp_path: Path):
    adata = screened(counted())
    source = Source("made", adata.obs, adata.var, lambda: _failing(10), 10_000)
    with pytest.raises(KeyboardInterrupt):
        build_from([source], tmp_path / "a.pstore")
    assert list(tmp_path.iterdir()) == []
    whole = Source("made", adata.obs, adata.var, lambda: [counted()[:10], counted()[10:]], 10_000)
    np.testing.assert_array_equal(dense(build_from([whole], tmp_path / "a.pstore")), counted().toarray())


def test_a_failed_conversion_does_not_block_the_retry_defect_6(write: Make, tmp_path: Path):
    counts = counted()
    counts.data[-1] = -1
    with pytest.raises(DataError, match="negative"):
        build_store([write("a.h5ad", sp.csc_matrix(counts))], tmp_path / "a.pstore")
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5ad"]
    build_store([write("a.h5ad", sp.csc_matrix(counted()))], tmp_path / "a.pstore").verify()


def test_a_full_disk_leaves_nothing(write: Make, tmp_path: Path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pajamo.data.store.tables.write_table", refuse)
    with pytest.raises(StorageError, match="disk is full"):
        build_store([write("a.h5ad", counted())], tmp_path / "a.pstore")
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5ad"]


def test_a_disk_that_fills_up_while_cells_are_sorted_is_not_taken_for_a_damaged_file(
    write: Make, tmp_path: Path, monkeypatch
):
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pajamo.data.store.by_cell._append_each", refuse)
    with pytest.raises(StorageError, match="disk is full"):
        build_store([write("a.h5ad", sp.csc_matrix(counted()))], tmp_path / "a.pstore")
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5ad"]


def test_a_source_that_gives_fewer_cells_than_it_names_is_refused(tmp_path: Path):
    adata = screened(counted())
    short = Source("made", adata.obs, adata.var, lambda: [counted()[:50]], 10_000)
    with pytest.raises(IntegrityError, match="50 cells, but 60 are named"):
        build_from([short], tmp_path / "a.pstore")


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("indptr", lambda x: x[::-1].copy(), "pointers"),
        ("indptr", lambda x: np.append(x[:-1], x[-1] - 1), "last value"),
        ("indptr", lambda x: x[:-1], "number of pointers"),
        ("indices", lambda x: x + 100, "outside"),
        ("indices", lambda x: x[:-1], "number of pointers or of indices"),
    ],
)
@pytest.mark.parametrize("layout", ["csr", "csc"])
def test_a_matrix_that_contradicts_itself_is_refused(write: Make, tmp_path, name, change, said, layout):
    path = write("a.h5ad", LAYOUTS[layout](counted()))
    with h5py.File(path, "r+") as file:
        values = change(file["X"][name][:])
        del file["X"][name]
        file["X"][name] = values
    with pytest.raises(IntegrityError, match="damaged") as caught:
        build_store([path], tmp_path / "a.pstore")
    assert said in caught.value.why
    assert [found.name for found in tmp_path.iterdir()] == ["a.h5ad"]


def test_what_cannot_be_asked_for_is_refused(write: Make, tmp_path: Path):
    path = write("a.h5ad", counted())
    with pytest.raises(DataError, match="no file is named"):
        build_store([], tmp_path / "a.pstore")
    with pytest.raises(DataError, match="'int3'"):
        build_store([path], tmp_path / "a.pstore", value_type="int3")
    with pytest.raises(DataError, match="no such file"):
        build_store([tmp_path / "b.h5ad"], tmp_path / "a.pstore")
    build_store([path], tmp_path / "a.pstore")
    with pytest.raises(DataError, match="exists already"):
        build_store([path], tmp_path / "a.pstore")


def test_a_zarr_folder_that_is_no_anndata_is_refused(tmp_path: Path):
    zarr.open_group(str(tmp_path / "a.zarr"), mode="w").create_group("other")
    with pytest.raises(IntegrityError, match="not an AnnData"):
        build_store([tmp_path / "a.zarr"], tmp_path / "a.pstore")


def test_progress_is_told(write: Make, tmp_path: Path, monkeypatch):
    monkeypatch.setattr("pajamo.data.store.filling.SECONDS", -1.0)
    lines: list[str] = []
    counts = counted()
    counts[3, 3] = 999
    build_store([write("a.h5ad", counts)], tmp_path / "a.pstore", progress=lines.append)
    assert lines == [
        "the value 999 does not fit into uint8: begun again with uint16",
        "a.h5ad: 60 of 60 cells",
    ]


def test_what_a_killed_conversion_left_is_never_read_and_blocks_nothing_defect_6(write: Make, tmp_path: Path):
    left = tmp_path / ".a.pstore.1.unfinished"
    left.mkdir()
    (left / "values.bin").write_bytes(b"half")
    np.testing.assert_array_equal(
        dense(build_store([write("a.h5ad", counted())], tmp_path / "a.pstore")), counted().toarray()
    )


def test_a_file_of_anndata_before_0_8_is_read(write: Make, tmp_path: Path):
    """A categorical column was codes that point to `__categories`, and nothing else was marked."""
    path = write("a.h5ad", counted())
    with h5py.File(path, "r+") as file:
        column = file["obs/perturbation"]
        codes, names = column["codes"][:], column["categories"].asstr()[:]
        del file["obs/perturbation"]
        kept = file["obs"].create_group("__categories")
        kept.create_dataset("perturbation", data=names.astype(object), dtype=h5py.string_dtype())
        file["obs"].create_dataset("perturbation", data=codes)
        file["obs/perturbation"].attrs["categories"] = kept["perturbation"].ref
    store = build_store([path], tmp_path / "a.pstore")
    assert list(store.obs["perturbation"][:3]) == ["A", "control", "control"]
