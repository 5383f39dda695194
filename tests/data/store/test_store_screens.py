"""A store goes wherever an h5ad file goes, and everything that is found in it is the same."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from pajamo.config import DataSettings
from pajamo.data.cells import sample_halves
from pajamo.data.checks import check_screen
from pajamo.data.checks.fixes import fix_screen
from pajamo.data.pseudobulk import pseudobulk
from pajamo.data.reading.screens import read_screen
from pajamo.data.reading.values import scan_values
from pajamo.data.screen import Screen
from pajamo.data.store.building import build_store
from pajamo.data.store.matrix import StoreMatrix
from pajamo.errors import DataError, IntegrityError, PajamoWarning
from pajamo.protocols.protocol import Protocol
from pajamo.protocols.stored import read_protocol, write_protocol


@pytest.fixture
def both(tiny_screen: Path, tmp_path: Path) -> tuple[Path, Path]:
    """The tiny screen as an h5ad file and as a store."""
    build_store([tiny_screen], tmp_path / "tiny.pstore")
    return tiny_screen, tmp_path / "tiny.pstore"


def _screens(paths: tuple[Path, Path], **settings: object) -> tuple[Screen, Screen]:
    file, store = (read_screen(DataSettings(path=path, **settings)) for path in paths)
    assert isinstance(store.matrix, StoreMatrix)
    return file, store


@pytest.mark.parametrize("settings", [{}, {"top_genes": 12}, {"batch": "batch"}])
def test_a_screen_read_from_a_store_is_the_same(both: tuple[Path, Path], settings: dict[str, object]):
    file, store = _screens(both, **settings)
    pd.testing.assert_frame_equal(file.cells, store.cells)
    assert file.conditions == store.conditions
    assert file.simulated == store.simulated is True
    assert list(file.genes) == list(store.genes)
    np.testing.assert_array_equal(file.condition_of, store.condition_of)
    for one, other in zip(file.matrix.blocks(50), store.matrix.blocks(50), strict=True):
        assert one[0] == other[0]
        np.testing.assert_array_equal(one[1].toarray(), other[1].toarray())
    rows = np.random.default_rng(0).integers(0, file.n_cells, 40)
    np.testing.assert_array_equal(file.matrix.rows(rows).toarray(), store.matrix.rows(rows).toarray())


def test_means_and_sampled_cells_are_bit_equal(both: tuple[Path, Path]):
    file, store = _screens(both)
    for one, other in zip(*(pseudobulk(screen, 3).halves for screen in (file, store)), strict=True):
        np.testing.assert_array_equal(one.mean, other.mean)
        np.testing.assert_array_equal(one.variance, other.variance)
    one, other = (sample_halves(screen, seed=3) for screen in (file, store))
    for condition, halves in one.items():
        np.testing.assert_array_equal(halves, other[condition])


def test_columns_are_picked_twice(both: tuple[Path, Path]):
    file, store = _screens(both)
    first, second = np.array([9, 3, 17, 4]), np.array([2, 0])
    picked = [screen.with_genes(first).with_genes(second).matrix for screen in (file, store)]
    assert picked[1].shape == (file.n_cells, 2)
    np.testing.assert_array_equal(
        picked[0].rows(np.arange(30)).toarray(), picked[1].rows(np.arange(30)).toarray()
    )


def test_what_building_found_of_the_values_is_what_a_pass_over_them_finds(both: tuple[Path, Path]):
    file, store = _screens(both)
    one, other = scan_values(file.matrix), scan_values(store.matrix)
    for name in ("totals", "detected", "gene_cells"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert (one.largest, one.odd) == (other.largest, other.odd)


def test_checking_a_store_finds_what_checking_its_file_finds(both: tuple[Path, Path]):
    reports = [check_screen(DataSettings(path=path)) for path in both]
    assert [(r.id, r.status) for r in reports[0].rules] == [(r.id, r.status) for r in reports[1].rules]
    assert reports[1].passed


def test_logarithms_are_read_as_such(tiny_screen: Path, tmp_path: Path):
    adata = anndata.read_h5ad(tiny_screen)
    adata.X = sp.csr_matrix(adata.X).multiply(1e4 / adata.X.sum(axis=1)).tocsr().log1p()
    adata.write_h5ad(tmp_path / "log.h5ad")
    with pytest.warns(PajamoWarning, match="no counts"):
        build_store([tmp_path / "log.h5ad"], tmp_path / "log.pstore")
    settings = {"scale": "log1p"}
    _screens((tmp_path / "log.h5ad", tmp_path / "log.pstore"), **settings)
    with pytest.raises(DataError, match="not integers"):
        read_screen(DataSettings(path=tmp_path / "log.pstore"))


def test_a_store_answers_to_the_layer_that_it_was_built_from(tiny_screen: Path, tmp_path: Path):
    adata = anndata.read_h5ad(tiny_screen)
    adata.layers["counts"] = adata.X
    adata.write_h5ad(tmp_path / "a.h5ad")
    build_store([tmp_path / "a.h5ad"], tmp_path / "a.pstore", layer="counts")
    read_screen(DataSettings(path=tmp_path / "a.pstore", layer="counts"))
    read_screen(DataSettings(path=tmp_path / "a.pstore"))
    with pytest.raises(DataError, match="no layer 'other'"):
        read_screen(DataSettings(path=tmp_path / "a.pstore", layer="other"))


def test_what_was_done_to_the_cells_and_mended_travels_with_the_store(tiny_screen: Path, tmp_path: Path):
    write_protocol(tiny_screen, Protocol.plain(), tmp_path / "told.h5ad")
    fix_screen(tmp_path / "told.h5ad", DataSettings(path=tiny_screen), ["to-csr"], tmp_path / "mended.h5ad")
    build_store([tmp_path / "mended.h5ad"], tmp_path / "a.pstore")
    build_store([tmp_path / "a.pstore"], tmp_path / "b.pstore")
    assert read_protocol(tmp_path / "b.pstore") == Protocol.plain()
    assert read_protocol(tmp_path / "b.pstore") == read_protocol(tmp_path / "told.h5ad")
    assert read_screen(DataSettings(path=tmp_path / "b.pstore")).notes == (
        read_screen(DataSettings(path=tmp_path / "mended.h5ad")).notes
    )


def test_a_store_itself_is_never_mended(both: tuple[Path, Path], tmp_path: Path):
    with pytest.raises(DataError, match="folder"):
        fix_screen(both[1], DataSettings(path=both[1]), ["to-csr"], tmp_path / "mended.h5ad")


def test_an_absent_or_damaged_store_is_refused_where_a_screen_is_read(
    both: tuple[Path, Path], tmp_path: Path
):
    with pytest.raises(IntegrityError, match="no such folder"):
        read_screen(DataSettings(path=tmp_path / "none.pstore"))
    assert not check_screen(DataSettings(path=tmp_path / "none.pstore")).passed
    (both[1] / "values.bin").unlink()
    with pytest.raises(IntegrityError, match="missing"):
        read_screen(DataSettings(path=both[1]))
