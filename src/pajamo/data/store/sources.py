"""What a store is made of: files of cells by genes, each as tables and a stream of blocks of cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import pandas as pd
import scipy.sparse as sp

from pajamo.data.reading.h5ad import FIXES, H5ad, open_h5ad
from pajamo.data.reading.integrity import reading_errors
from pajamo.data.reading.stored import damaged, require_numbers
from pajamo.data.store.format import is_store
from pajamo.data.store.layouts import blocks_of
from pajamo.data.store.store import CellStore
from pajamo.errors import DataError

PROTOCOL = "pajamo_protocol"
"""Entry of uns in which a file says what was done to its cells; carried on as it is."""
CELLS_AT_ONCE = 4096


@dataclass(frozen=True)
class Source:
    """Cells of one origin, to be written into a store.

    Attributes
    ----------
    name: file and key, for messages.
    obs, var: tables of cells and of genes, indexed by name.
    blocks: starts reading: consecutive rows as CSR of recorded values, columns ascending, no zeros stored; together
        as many as `obs` has, each as wide as `var` is long.
    most: no more values than this are stored; decides how wide the pointers must be.
    notes: entries of uns that the store carries on.
    """

    name: str
    obs: pd.DataFrame
    var: pd.DataFrame
    blocks: Callable[[], Iterable[sp.csr_matrix]]
    most: int
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """Name of the file without its folders."""
        return Path(self.name.split(": ")[0]).name


def open_source(path: str | Path, scratch: Path, layer: str | None = None) -> Source:
    """Open an h5ad file, a zarr folder of anndata, or another store; no matrix is loaded.

    Arguments
    ---------
    scratch: a folder with space for a matrix that is stored by genes.
    layer: which matrix; X if not given.

    Raises
    ------
    DataError: there is no such file or layer, or values are no numbers.
    IntegrityError: it is truncated, damaged or hostile.
    """
    path = Path(path)
    if is_store(path):
        return _store_source(CellStore.open(path))
    if path.is_dir():
        from pajamo.data.store.zarr_source import zarr_source

        return zarr_source(path, scratch, layer)
    return _h5ad_source(open_h5ad(path), scratch, layer)


def _h5ad_source(opened: H5ad, scratch: Path, layer: str | None) -> Source:
    key = opened.key(layer)
    stored, where = opened.matrices[key], f"{opened.path}: {key}"
    require_numbers(where, stored)
    if stored.shape != (len(opened.obs), len(opened.var)):
        raise damaged(where, f"its shape {stored.shape} does not fit the tables of cells and genes")

    def blocks() -> Iterator[sp.csr_matrix]:
        with reading_errors(opened.path), h5py.File(opened.path, "r") as file:
            yield from blocks_of(file[key], stored.layout, stored.shape, where, scratch)

    return Source(where, opened.obs, opened.var, blocks, stored.values, _notes(opened))


def _notes(opened: H5ad) -> dict[str, Any]:
    notes: dict[str, Any] = {"simulated": True} if opened.simulated else {}
    if opened.fixes:
        notes[FIXES] = list(opened.fixes)
    with h5py.File(opened.path, "r") as file:
        protocol = file.get(f"uns/{PROTOCOL}")
        if isinstance(protocol, h5py.Dataset) and protocol.shape == ():
            notes[PROTOCOL] = protocol.asstr()[()]
    return notes


def _store_source(store: CellStore) -> Source:
    if store.facts["left_out"]:
        raise DataError(
            "the store has left genes out, whose molecules count in its library sizes",
            where=str(store.path),
            why="a new store would count the molecules of the genes that are left",
            fix="build the new store from the files that this one was built from",
        )

    def blocks() -> Iterator[sp.csr_matrix]:
        for start in range(0, store.n_cells, CELLS_AT_ONCE):
            yield store.rows(slice(start, start + CELLS_AT_ONCE), store.values.dtype)

    return Source(str(store.path), store.obs, store.var, blocks, len(store.values), store.tables.notes)
