"""A compressed store gives what the store gives, notices any damage, and unpacks to the same store."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import zarr
from tests.data.store.small_stores import cells, store_of
from zarr.storage import MemoryStore, ZipStore

from pajamo.data.store import CellStore
from pajamo.data.store.compressed import CompressedStore
from pajamo.data.store.packing import compress_store, steps_of, unpack_store
from pajamo.errors import DataError, IntegrityError, StorageError

BLOCK = 32


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[CellStore, Path]:
    """A store and its compressed copy."""
    folder = tmp_path_factory.mktemp("stores")
    store = store_of(folder, cells(largest=300))
    compress_store(store, folder / "packed", block_cells=BLOCK)
    return store, folder / "packed"


ORDERS: list[Any] = [
    slice(None),
    [0],
    [299, 0, 299, -1],
    np.arange(300)[::-1],
    np.random.default_rng(0).integers(300, size=500),
    np.arange(300) % 7 == 0,
    [],
]


@pytest.mark.parametrize("index", ORDERS, ids=range(len(ORDERS)))
@pytest.mark.parametrize("cache_bytes", [0, 5_000, 10**9])
def test_cells_are_those_of_the_store_whatever_the_cache(
    pair: tuple[CellStore, Path], index: Any, cache_bytes: int
) -> None:
    store, path = pair
    packed = CompressedStore.open(path, cache_bytes=cache_bytes)
    for _ in range(2):
        np.testing.assert_array_equal(packed.dense(index), store.dense(index))
        found, expected = packed.rows(index), store.rows(index)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found.indptr, expected.indptr)
        np.testing.assert_array_equal(found.indices, expected.indices)
        np.testing.assert_array_equal(found.data, expected.data)


def test_what_stands_beside_the_cells_is_the_same(pair: tuple[CellStore, Path]) -> None:
    store, path = pair
    packed = CompressedStore.open(path)
    assert packed.shape == store.shape
    assert len(packed) == len(store)
    assert packed.facts == store.facts
    pd.testing.assert_frame_equal(packed.obs, store.obs)
    pd.testing.assert_frame_equal(packed.var, store.var)
    assert list(packed.genes) == list(store.genes)
    np.testing.assert_array_equal(packed.library_size, store.library_size)
    with pytest.raises(ValueError, match="read-only"):
        packed.library_size[0] = 1


def test_reading_gives_copies(pair: tuple[CellStore, Path]) -> None:
    _, path = pair
    packed = CompressedStore.open(path)
    before = packed.dense([3, 4])
    packed.dense([3, 4])[:] = 99
    packed.rows([3, 4]).data[:] = 99
    np.testing.assert_array_equal(packed.dense([3, 4]), before)
    out = np.empty((2, 40), dtype=np.float64)
    assert packed.dense([3, 4], out=out) is out
    np.testing.assert_array_equal(out, before)


def test_the_cache_keeps_what_was_used_last(pair: tuple[CellStore, Path], monkeypatch: Any) -> None:
    _, path = pair
    packed = CompressedStore.open(path, cache_bytes=10**9)
    read: list[int] = []
    inner = type(packed.blocks).read
    monkeypatch.setattr(
        type(packed.blocks), "read", lambda self, number: (read.append(number), inner(self, number))[1]
    )
    width = packed.blocks.width * sum(kind.itemsize for kind in packed.blocks.types)
    packed = CompressedStore.open(path, cache_bytes=2 * width)
    for block in (0, 1, 0, 2, 0, 1):
        packed.dense([block * BLOCK])
    assert read == [0, 1, 2, 1]


def test_steps_add_up_to_the_columns_whatever_the_order() -> None:
    rng = np.random.default_rng(0)
    for kind in ("uint16", "uint32"):
        columns = rng.integers(np.iinfo(kind).max, size=1000, dtype=kind, endpoint=True)
        np.testing.assert_array_equal(np.cumsum(steps_of(columns), dtype=kind), columns)
    assert steps_of(columns[:0]).size == 0


def test_unpacking_gives_the_same_store_byte_by_byte(pair: tuple[CellStore, Path], tmp_path: Path) -> None:
    store, path = pair
    again = unpack_store(CompressedStore.open(path), tmp_path / "again.pstore")
    for file in store.path.glob("*.bin"):
        assert (again.path / file.name).read_bytes() == file.read_bytes()
    assert again.folder.manifest == store.folder.manifest
    again.verify()


def test_values_that_are_no_counts_survive(tmp_path: Path) -> None:
    adata = cells()
    adata.X = adata.X * np.float32(0.37)
    with pytest.warns(UserWarning, match="not whole"):
        store = store_of(tmp_path, adata)
    packed = compress_store(store, tmp_path / "packed")
    np.testing.assert_array_equal(packed.dense(slice(None)), store.dense(slice(None)))


def test_a_worker_opens_it_again(pair: tuple[CellStore, Path]) -> None:
    store, path = pair
    packed = pickle.loads(pickle.dumps(CompressedStore.open(path, cache_bytes=7)))  # noqa: S301
    assert packed.cache_bytes == 7
    np.testing.assert_array_equal(packed.dense([5]), store.dense([5]))


@pytest.mark.parametrize("kind", ["memory", "zip"])
def test_it_is_read_from_whatever_zarr_reads(pair: tuple[CellStore, Path], tmp_path: Path, kind: str) -> None:
    store, path = pair
    if kind == "zip":
        shutil.make_archive(str(tmp_path / "packed"), "zip", path)
        place: Any = ZipStore(tmp_path / "packed.zip", mode="r")
    else:
        place = MemoryStore()
        from zarr.core.sync import sync
        from zarr.storage import LocalStore

        async def copied() -> None:
            source = LocalStore(path)
            async for key in source.list():
                await place.set(key, await source.get(key, zarr.core.buffer.default_buffer_prototype()))

        sync(copied())
    packed = CompressedStore.open(place)
    np.testing.assert_array_equal(packed.dense(slice(None)), store.dense(slice(None)))
    packed.verify()


def copy_of(pair: tuple[CellStore, Path], tmp_path: Path) -> Path:
    shutil.copytree(pair[1], tmp_path / "copy")
    return tmp_path / "copy"


def some_shard(path: Path, array: str) -> Path:
    return next(file for file in sorted((path / array / "c").rglob("*")) if file.is_file())


@pytest.mark.parametrize("damage", ["altered", "truncated", "missing"])
@pytest.mark.parametrize("array", ["values", "steps"])
def test_damaged_blocks_are_named(
    pair: tuple[CellStore, Path], tmp_path: Path, damage: str, array: str
) -> None:
    path = copy_of(pair, tmp_path)
    shard = some_shard(path, array)
    content = bytearray(shard.read_bytes())
    content[len(content) // 3] ^= 255
    if damage == "missing":
        shard.unlink()
    else:
        shard.write_bytes(content if damage == "altered" else content[: len(content) // 2])
    packed = CompressedStore.open(path)
    with pytest.raises(IntegrityError, match="damaged") as caught:
        packed.verify()
    assert "block" in caught.value.why
    assert "cells" in caught.value.why
    with pytest.raises(IntegrityError):
        packed.dense(slice(None))


@pytest.mark.parametrize("array", ["starts", "library_size", "checks", "tables"])
def test_damaged_whole_arrays_are_named(pair: tuple[CellStore, Path], tmp_path: Path, array: str) -> None:
    path = copy_of(pair, tmp_path)
    zarr.open_group(str(path), mode="r+")[array][1] = 77
    with pytest.raises(IntegrityError, match="damaged") as caught:
        CompressedStore.open(path).verify()
    assert array in caught.value.why


def test_other_folders_newer_versions_and_altered_heads_are_refused(
    pair: tuple[CellStore, Path], tmp_path: Path
) -> None:
    with pytest.raises(IntegrityError, match="no compressed store"):
        CompressedStore.open(tmp_path / "none")
    zarr.create_group(str(tmp_path / "other"), zarr_format=3)
    with pytest.raises(IntegrityError, match="not a compressed store"):
        CompressedStore.open(tmp_path / "other")
    path = copy_of(pair, tmp_path)
    head = path / "zarr.json"
    text = head.read_text()
    head.write_text(text.replace('"block_cells": 32', '"block_cells": 64'))
    with pytest.raises(IntegrityError, match="head was altered"):
        CompressedStore.open(path)
    head.write_text(text.replace('"version": 1', '"version": 2'))
    with pytest.raises(IntegrityError, match="newer than this pajamo"):
        CompressedStore.open(path)


def test_existing_folders_are_kept_and_a_broken_write_leaves_nothing(
    pair: tuple[CellStore, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, path = pair
    with pytest.raises(DataError, match="exists already"):
        compress_store(store, path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pajamo.data.store.packing._write_blocks", full)
    with pytest.raises(StorageError, match="disk is full"):
        compress_store(store, tmp_path / "packed")
    assert not list(tmp_path.iterdir())


def test_a_batch_that_cannot_be_is_refused(pair: tuple[CellStore, Path]) -> None:
    packed = CompressedStore.open(pair[1])
    with pytest.raises(DataError, match="no cell 300"):
        packed.dense([300])
    with pytest.raises(DataError, match="cannot take these cells"):
        packed.dense([0], out=np.empty((2, 40), dtype=np.float32))
    with pytest.raises(DataError, match="cannot take these cells"):
        packed.dense([0], dtype=np.uint8)
