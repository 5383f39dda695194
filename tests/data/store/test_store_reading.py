"""Whatever is asked of a store is what scipy says of the same counts, and nothing that is read changes the files.

Numbers in names are those of the defects that were found in an earlier store of this kind (SCDL).
"""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from pajamo.data.mapped.manifest import Manifest
from pajamo.data.store import CellStore, gather
from pajamo.data.store.gather import spans
from pajamo.data.store.rows import row_numbers
from pajamo.errors import DataError, IntegrityError, MissingExtraError

CELLS, GENES = 60, 17


def test_random_batches_are_the_rows_of_the_matrix(store: CellStore, truth: sp.csr_matrix):
    random = np.random.default_rng(1)
    for size in (1, 2, 7, 64, 300):
        rows = random.integers(0, CELLS, size)
        np.testing.assert_array_equal(store.dense(rows), truth[rows].toarray())
        np.testing.assert_array_equal(store.rows(rows).toarray(), truth[rows].toarray())


def test_a_batch_equals_a_loop_over_its_rows(store: CellStore):
    """The naive reference: one cell after the other, one value after the other."""
    rows = np.random.default_rng(2).permutation(CELLS)[:20]
    expected = np.zeros((20, GENES), dtype=np.float32)
    for place, row in enumerate(rows):
        for at in range(int(store.starts[row]), int(store.starts[row + 1])):
            expected[place, store.columns[at]] = store.values[at]
    np.testing.assert_array_equal(store.dense(rows), expected)


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_numpy_and_compiled_code_agree_on_any_arrays(data: st.DataObject):
    compiled = pytest.importorskip("pajamo.data.store.gather_numba")
    lengths = np.array(data.draw(st.lists(st.integers(0, 6), min_size=1, max_size=9)))
    rows = np.array(data.draw(st.lists(st.integers(0, len(lengths) - 1), max_size=12)), dtype=np.int64)
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    starts = np.concatenate(([0], np.cumsum(lengths))).astype(data.draw(st.sampled_from(["u4", "u8"])))
    genes = [np.sort(random.choice(8, n, replace=False)) for n in lengths]
    columns = np.concatenate(genes).astype(data.draw(st.sampled_from(["u2", "u4"])))
    values = random.integers(1, 250, len(columns)).astype(data.draw(st.sampled_from(["u1", "f4"])))
    dense = [np.full((len(rows), 8), np.nan, np.float32) for _ in range(2)]
    flat = [(np.empty(lengths[rows].sum()), np.empty(lengths[rows].sum(), np.int32)) for _ in range(2)]
    for kind, batch, (taken, indices) in zip((gather, compiled), dense, flat, strict=True):
        assert kind.fill_dense(values, columns, *spans(starts, rows), batch)
        kind.copy_rows(values, columns, *spans(starts, rows), taken, indices)
    np.testing.assert_array_equal(*dense)
    np.testing.assert_array_equal(flat[0], flat[1])


def test_reading_gives_copies_and_never_touches_the_files_defect_2(store: CellStore, truth: sp.csr_matrix):
    before = {path: path.read_bytes() for path in store.path.iterdir()}
    store.rows([0, 1, 2]).data[:] = 99
    store.dense([0, 1, 2])[:] = 99
    for array in (store.values, store.columns, store.starts, store.library_size):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 9
    assert {path: path.read_bytes() for path in store.path.iterdir()} == before
    np.testing.assert_array_equal(store.dense([0, 1, 2]), truth[:3].toarray())


def test_a_folder_that_may_not_be_written_to_is_read_defect_2(store: CellStore):
    files = list(store.path.iterdir())
    for path in files:
        path.chmod(0o444)
    store.path.chmod(0o555)
    assert CellStore.open(store.path, numba=store.with_numba).dense([0]).shape == (1, GENES)
    store.path.chmod(0o755)


def test_every_batch_is_as_wide_as_all_genes_defect_3(store: CellStore, truth: sp.csr_matrix):
    empty = int(np.flatnonzero(np.diff(truth.indptr) == 0)[0])
    for rows in ([], [empty], [empty, empty], [0], range(5)):
        assert store.dense(rows).shape == (len(rows), GENES)
        assert store.rows(rows).shape == (len(rows), GENES)


@pytest.mark.parametrize(
    "rows",
    [-1, 5, [-1, -CELLS, 3], slice(None), slice(50, 999), slice(None, None, -7), np.arange(CELLS) % 2 == 0,
     np.uint8([1, 2]), (4, 2), range(3, 9), np.zeros(CELLS, bool), [True] * CELLS],
)  # fmt: skip
def test_rows_are_meant_as_in_numpy_defect_5(store: CellStore, truth: sp.csr_matrix, rows: object):
    expected = np.atleast_2d(truth.toarray()[list(rows) if isinstance(rows, tuple | range) else rows])
    np.testing.assert_array_equal(store.dense(rows), expected)
    np.testing.assert_array_equal(store[rows].toarray(), expected)


@pytest.mark.parametrize(
    ("rows", "said"),
    [(CELLS, "no cell 60"), ([0, -CELLS - 1], "no cell -61"), ([0.5], "float64"), ("cell3", "given as"),
     ([[1, 2]], "shape"), ([True, False], "mask"), ([None], "object"), (10**12, "no cell")],
)  # fmt: skip
def test_rows_that_do_not_exist_are_refused_defect_5(store: CellStore, rows: object, said: str):
    for read in (store.dense, store.rows):
        with pytest.raises(DataError, match=said):
            read(rows)


@given(st.one_of(st.slices(23), st.lists(st.integers(-23, 22)), st.integers(-23, 22)))
def test_row_numbers_pick_what_numpy_picks(rows: object):
    listed = [] if rows == [] else np.atleast_1d(np.arange(23)[rows])
    np.testing.assert_array_equal(row_numbers(rows, 23), listed)


def test_a_batch_is_written_into_an_array_of_the_caller(store: CellStore, truth: sp.csr_matrix):
    out = np.full((3, GENES), np.nan)
    assert store.dense([5, 1, 5], out) is out
    np.testing.assert_array_equal(out, truth[[5, 1, 5]].toarray())
    assert store.dense([0], dtype=np.uint8).dtype == np.uint8


@pytest.mark.parametrize("shape", [(2, GENES), (3, GENES + 1), (3 * GENES,)])
def test_an_array_of_another_shape_is_refused(store: CellStore, shape: tuple[int, ...]):
    with pytest.raises(DataError, match="cannot take these cells"):
        store.dense([0, 1, 2], np.empty(shape, np.float32))


def test_an_array_that_would_change_values_or_is_no_plain_memory_is_refused(store: CellStore):
    fixed = np.empty((1, GENES), np.float32)
    fixed.flags.writeable = False
    for out in (np.empty((1, GENES), np.int8), np.empty((1, 2 * GENES), np.float32)[:, ::2], fixed):
        with pytest.raises(DataError, match="cannot take these cells"):
            store.dense([0], out)


def test_sums_of_sparse_batches_do_not_wrap_around(store: CellStore, truth: sp.csr_matrix):
    """8-bit counts would, at 256."""
    batch = store.rows(slice(None))
    assert batch.dtype == np.float32
    assert batch.indices.dtype == batch.indptr.dtype
    np.testing.assert_array_equal((batch + batch + batch).toarray(), 3 * truth.toarray())


def test_names_and_tables_come_with_the_first_use(store: CellStore):
    assert list(store.genes[:2]) == ["g0", "g1"]
    assert store.shape == (CELLS, GENES)
    assert len(store) == CELLS
    assert list(store.obs["note"][:2]) == ["of cell 0", "of cell 1"]
    np.testing.assert_array_equal(store.library_size, store.rows(slice(None)).sum(axis=1).A1)


def test_a_copy_and_a_pickle_open_the_files_again(store: CellStore):
    assert len(pickle.dumps(store)) < 1000
    for other in (pickle.loads(pickle.dumps(store)), copy.deepcopy(store)):  # noqa: S301
        assert other.with_numba == store.with_numba
        np.testing.assert_array_equal(other.dense([3]), store.dense([3]))


def test_reading_batches_imports_neither_torch_nor_anndata(store: CellStore):
    code = f"""import sys
from pajamo.data.store import CellStore
CellStore.open({str(store.path)!r}, numba=False).dense([1, 2])
print([name for name in ("torch", "anndata", "h5py", "numba") if name in sys.modules])"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def _altered(store: CellStore, name: str, at: int, value: int) -> CellStore:
    """Another number in an array."""
    path = store.path / f"{name}.bin"
    array = np.fromfile(path, getattr(store, name).dtype)
    array[at] = value
    array.tofile(path)
    return CellStore.open(store.path, numba=store.with_numba)


@pytest.mark.parametrize(("name", "value"), [("columns", GENES), ("starts", 10**9), ("starts", 0)])
def test_arrays_that_contradict_one_another_are_refused_without_touching_memory(
    store: CellStore, name: str, value: int
):
    spoiled = _altered(store, name, 31, value)
    for read in (spoiled.dense, spoiled.rows):
        with pytest.raises(IntegrityError, match="the store is damaged"):
            read(slice(None))


def test_verification_names_the_file_and_the_block(store: CellStore):
    spoiled = _altered(store, "values", 3, 7 + int(store.values[3]))
    with pytest.raises(IntegrityError, match="'values' was altered in block 0"):
        spoiled.verify()


def test_tables_that_were_altered_are_not_read(store: CellStore):
    with (store.path / "tables.0.h5ad").open("r+b") as file:
        file.seek(5000)
        file.write(b"spoiled")
    with pytest.raises(IntegrityError, match=r"tables\.0\.h5ad was altered"):
        _ = CellStore.open(store.path).obs


def test_a_store_of_a_newer_version_is_refused_defect_7(store: CellStore):
    found = Manifest.read(store.path, "cells", 1)
    Manifest("cells", 2, found.arrays, found.files, found.facts).write(store.path)
    with pytest.raises(IntegrityError, match="version 2, newer"):
        CellStore.open(store.path)


def test_a_store_that_is_cut_off_unfinished_or_absent_is_refused(store: CellStore, tmp_path: Path):
    with (store.path / "columns.bin").open("r+b") as file:
        file.truncate(10)
    with pytest.raises(IntegrityError, match="'columns' is truncated"):
        CellStore.open(store.path)
    (store.path / "manifest.json").unlink()
    with pytest.raises(IntegrityError, match="never finished"):
        CellStore.open(store.path)
    with pytest.raises(IntegrityError, match="no such folder"):
        CellStore.open(tmp_path / "none.pstore")
    with pytest.raises(DataError, match="a file, not a store"):
        CellStore.open(tmp_path / "a.h5ad")


def test_arrays_of_different_lengths_are_refused(store: CellStore):
    found = Manifest.read(store.path, "cells", 1)
    entry = replace(found.arrays["values"], shape=(found.arrays["values"].shape[0] - 1,))
    Manifest("cells", 1, {**found.arrays, "values": entry}, found.files, found.facts).write(store.path)
    with pytest.raises(IntegrityError, match="same number of cells or of values"):
        CellStore.open(store.path)


def test_compiled_code_that_is_not_installed_is_asked_for_by_name(
    store: CellStore, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("pajamo.data.store.stored_cells.find_spec", lambda _: None)
    assert not CellStore.open(store.path).with_numba
    with pytest.raises(MissingExtraError, match="not installed"):
        CellStore.open(store.path, numba=True)
