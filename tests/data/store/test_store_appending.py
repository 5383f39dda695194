"""Cells that are added stand behind those that were there; who reads, and whatever fails, sees the old store whole.

Numbers in names are those of the defects that were found in an earlier store of this kind (SCDL).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.data.store.counted_screens import Make, counted, screened

from pajamo.data.mapped import MappedWriter
from pajamo.data.store import CellStore, content_hash
from pajamo.data.store.appending import append_cells, append_from
from pajamo.data.store.building import build_store
from pajamo.data.store.sources import Source
from pajamo.errors import DataError, IntegrityError, PajamoWarning


@pytest.fixture
def first(write: Make, tmp_path: Path) -> CellStore:
    return build_store([write("a.h5ad", counted())], tmp_path / "a.pstore")


def dense(store: CellStore) -> np.ndarray:
    return store.dense(slice(None))


def test_a_store_that_was_opened_again_grows_and_says_so_defect_1(first: CellStore, write: Make):
    path = first.path
    del first
    more = counted(cells=25, seed=1)
    append_cells(path, [write("b.h5ad", more, first=60)])
    store = CellStore.open(path)
    assert store.shape == (85, 17)
    assert store.facts["cells"] == 85
    assert store.values.dtype == store.facts["value_type"] == "uint8"
    np.testing.assert_array_equal(dense(store), np.vstack((counted().toarray(), more.toarray())))
    np.testing.assert_array_equal(store.library_size, dense(store).sum(axis=1))
    np.testing.assert_array_equal(store.tables.gene_cells, (dense(store) > 0).sum(axis=0))
    assert list(store.obs.index[[59, 60, 84]]) == ["cell59", "cell60", "cell84"]
    assert store.obs["perturbation"].dtype == "category"
    store.verify()


def test_appending_equals_building_from_all_files(first: CellStore, write: Make, tmp_path: Path):
    files = [write(f"{seed}.h5ad", counted(seed=seed), first=60 * seed) for seed in (1, 2)]
    for file in files:
        grown = append_cells(first.path, [file])
    built = build_store([tmp_path / "a.h5ad", *files], tmp_path / "b.pstore")
    np.testing.assert_array_equal(dense(grown), dense(built))
    assert grown.obs.equals(built.obs)
    assert grown.facts | {"tables": ""} == built.facts | {"tables": ""}


def test_who_reads_while_cells_are_added_goes_on_seeing_the_old_store(first: CellStore, write: Make):
    append_cells(first.path, [write("b.h5ad", counted(seed=1), first=60)])
    assert first.shape == (60, 17)
    np.testing.assert_array_equal(dense(first), counted().toarray())
    assert len(first.obs) == 60
    with pytest.raises(DataError, match="no cell 60"):
        first.dense([60])


def test_an_append_that_fails_changes_nothing_and_the_next_one_works(first: CellStore, write: Make):
    before = content_hash(first.path)
    bad = counted(seed=1)
    bad.data[-1] = np.nan
    with pytest.raises(DataError, match="NaN"):
        append_cells(
            first.path, [write("b.h5ad", counted(seed=2), first=60), write("c.h5ad", bad, first=120)]
        )
    assert content_hash(first.path) == before
    CellStore.open(first.path).verify()
    grown = append_cells(first.path, [write("b.h5ad", counted(seed=2), first=60)])
    np.testing.assert_array_equal(dense(grown)[60:], counted(seed=2).toarray())
    grown.verify()


def test_an_interruption_changes_nothing(first: CellStore):
    def interrupted() -> list[object]:
        raise KeyboardInterrupt

    adata = screened(counted(), first=60)
    with pytest.raises(KeyboardInterrupt):
        append_from(first.path, [Source("made", adata.obs, adata.var, interrupted, 10)])
    np.testing.assert_array_equal(dense(CellStore.open(first.path)), counted().toarray())


def test_counts_beyond_the_type_of_the_store_are_refused_defect_1(first: CellStore, write: Make):
    with pytest.raises(DataError, match="does not fit into uint8") as caught:
        append_cells(first.path, [write("b.h5ad", counted(seed=1) * 300, first=60)])
    assert "b.h5ad: X, cell 'cell60'" in caught.value.where
    assert "build a new store" in caught.value.fix
    CellStore.open(first.path).verify()


def test_pointers_grow_to_64_bits_when_they_must(
    first: CellStore, write: Make, monkeypatch: pytest.MonkeyPatch
):
    """2^32 values do not fit into a test: the limit is moved instead."""
    monkeypatch.setattr(
        "pajamo.data.store.appending.start_type", lambda values: "uint32" if values < 500 else "uint64"
    )
    monkeypatch.setattr("pajamo.data.store.appending.COPIED_AT_ONCE", 7)
    assert first.starts.dtype == np.uint32
    for seed in (1, 2):
        grown = append_cells(first.path, [write(f"{seed}.h5ad", counted(seed=seed), first=60 * seed)])
        assert grown.starts.dtype == np.uint64
        assert grown.n_cells == 60 * (seed + 1)
        np.testing.assert_array_equal(dense(grown)[-60:], counted(seed=seed).toarray())
        grown.verify()


def test_other_genes_are_refused_or_brought_to_those_of_the_store(first: CellStore, write: Make):
    genes = [f"g{i}" for i in range(1, 18)]
    other = write("b.h5ad", counted(seed=1), first=60, genes=genes)
    with pytest.raises(DataError, match="1 are missing, 1 are new") as caught:
        append_cells(first.path, [other])
    assert "--genes store" in caught.value.fix
    grown = append_cells(first.path, [other], genes="store")
    np.testing.assert_array_equal(dense(grown)[60:, 1:], counted(seed=1).toarray()[:, :-1])
    assert not dense(grown)[60:, 0].any()
    np.testing.assert_array_equal(grown.library_size[60:], counted(seed=1).sum(axis=1).A1)
    assert grown.facts["left_out"]


def test_cells_that_are_there_already_are_refused(first: CellStore, tmp_path: Path):
    with pytest.raises(DataError, match="60 names of cells occur more than once"):
        append_cells(first.path, [tmp_path / "a.h5ad"])


def test_columns_that_one_file_lacks_are_missing_for_its_cells(first: CellStore, tmp_path: Path):
    adata = screened(counted(seed=1), first=60)
    adata.obs["guide"] = "x"
    del adata.obs["depth"]
    adata.write_h5ad(tmp_path / "b.h5ad")
    obs = append_cells(first.path, [tmp_path / "b.h5ad"]).obs
    assert obs["guide"].isna().sum() == 60
    assert obs["depth"].notna().sum() == 60
    assert obs["depth"].dtype == float


def test_protocols_that_differ_are_not_carried_on(first: CellStore, tmp_path: Path):
    adata = screened(counted(seed=1), first=60)
    adata.uns["pajamo_protocol"] = "{}"
    adata.write_h5ad(tmp_path / "b.h5ad")
    with pytest.warns(PajamoWarning, match="different things of what was done"):
        grown = append_cells(first.path, [tmp_path / "b.h5ad"])
    assert "pajamo_protocol" not in grown.tables.notes


def test_two_writers_are_one_too_many(first: CellStore, write: Make):
    file = write("b.h5ad", counted(seed=1), first=60)
    with (
        MappedWriter(first.path, "cells", 1, append=True),
        pytest.raises(DataError, match="another process is writing"),
    ):
        append_cells(first.path, [file])
    assert append_cells(first.path, [file]).n_cells == 120


def test_what_is_no_store_is_not_appended_to(write: Make, tmp_path: Path):
    file = write("b.h5ad", counted())
    with pytest.raises(IntegrityError, match="no such folder"):
        append_cells(tmp_path / "none.pstore", [file])


def test_each_append_has_tables_of_its_own(first: CellStore, write: Make):
    grown = append_cells(first.path, [write("b.h5ad", counted(seed=1), first=60)])
    assert (first.facts["tables"], grown.facts["tables"]) == ("tables.0.h5ad", "tables.1.h5ad")
    assert set(grown.folder.manifest.files) == {"tables.1.h5ad"}


def test_content_is_told_apart(first: CellStore, write: Make, tmp_path: Path):
    same = build_store([tmp_path / "a.h5ad"], tmp_path / "b.pstore")
    other = build_store([write("c.h5ad", counted(seed=1))], tmp_path / "c.pstore")
    hashes: Callable[[CellStore], str] = lambda store: content_hash(store.path)  # noqa: E731
    assert hashes(first) == hashes(same)
    assert hashes(first) != hashes(other)
