"""Writing a store as a file that other programs read: h5ad or zarr, block by block, whatever its size."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anndata
import h5py
import numpy as np
import scipy.sparse as sp
import zarr
from numpy.typing import NDArray

from pajamo.data.atomic import replace_file
from pajamo.data.store.compressed import CompressedStore
from pajamo.data.store.format import exact_type
from pajamo.data.store.new_folder import new_folder
from pajamo.data.store.store import CellStore

CELLS_AT_ONCE = 4096
CHUNK = 1 << 18
"""Stored values in one chunk of a file: a megabyte of 32-bit values."""
Array = NDArray[Any]
Make = Callable[[str, int, np.dtype[Any]], Any]


def export_h5ad(store: CellStore | CompressedStore, path: str | Path) -> None:
    """Write a store as h5ad: X (CSR, floating-point), obs, var and the notes; a file of that name is replaced.

    Raises
    ------
    IntegrityError: the store is damaged.
    StorageError: the disk is full or refuses; nothing is left behind.
    """

    def write(temporary: Path) -> None:
        _tables(store).write_h5ad(temporary)
        with h5py.File(temporary, "r+") as file:
            group = _fresh(file)

            def make(name: str, length: int, dtype: np.dtype[Any]) -> Any:
                chunk = (min(CHUNK, max(length, 1)),)
                return group.create_dataset(name, (length,), dtype, chunks=chunk, compression="lzf")

            _write_csr(group, store, make)

    replace_file(Path(path), write)


def export_zarr(store: CellStore | CompressedStore, path: str | Path) -> None:
    """Write a store as a zarr v3 folder that anndata reads; the same content as `export_h5ad`.

    Raises
    ------
    DataError: the folder exists.
    IntegrityError: the store is damaged.
    StorageError: the disk is full or refuses; nothing is left behind.
    """
    with new_folder(Path(path)) as folder, warnings.catch_warnings():
        # zarr and anndata announce what may change in their next versions; the user can change nothing.
        warnings.simplefilter("ignore")
        with anndata.settings.override(zarr_write_format=3):
            _tables(store).write_zarr(folder)
        group = _fresh(zarr.open_group(str(folder), mode="r+", use_consolidated=False))

        def make(name: str, length: int, dtype: np.dtype[Any]) -> Any:
            chunk = (min(CHUNK, max(length, 1)),)
            return group.create_array(name, shape=(length,), chunks=chunk, dtype=dtype)

        _write_csr(group, store, make)
        zarr.consolidate_metadata(str(folder))


def _tables(store: CellStore | CompressedStore) -> anndata.AnnData:
    notes = dict(store.tables.notes)
    return anndata.AnnData(obs=store.obs, var=store.var, uns=notes)


def _fresh(root: Any) -> Any:
    """An empty group X."""
    if "X" in root:
        del root["X"]
    return root.create_group("X")


def _write_csr(group: Any, store: CellStore | CompressedStore, make: Make) -> None:
    shape = np.array(store.shape) if isinstance(group, h5py.Group) else list(store.shape)
    group.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0", "shape": shape})
    values = int(store.facts["values"])
    # Both index arrays of one type: scipy converts them at every use otherwise.
    kind = np.dtype(np.int32 if values < 1 << 31 else np.int64)
    data = make("data", values, exact_type(np.dtype(store.facts["value_type"])))
    indices, pointers = make("indices", values, kind), make("indptr", store.n_cells + 1, kind)
    at, ends = 0, [np.zeros(1, dtype=kind)]
    for block in _blocks(store):
        data[at : at + block.nnz], indices[at : at + block.nnz] = block.data, block.indices
        ends.append((block.indptr[1:].astype(np.int64) + at).astype(kind))
        at += block.nnz
    pointers[:] = np.concatenate(ends)


def _blocks(store: CellStore | CompressedStore) -> Iterator[sp.csr_matrix]:
    for start in range(0, store.n_cells, CELLS_AT_ONCE):
        yield store.rows(slice(start, start + CELLS_AT_ONCE))
