"""A screen that lies in a cell store, opened as one that lies in an h5ad file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from pajamo.data.matrix import Matrix
from pajamo.data.reading.h5ad import H5ad, open_h5ad
from pajamo.data.reading.stored import Stored
from pajamo.data.store import CellStore, is_store
from pajamo.data.store.matrix import StoreMatrix
from pajamo.data.store.tables import tables_file


@dataclass(frozen=True)
class OpenedStore(H5ad):
    """Tables of a store, and its one matrix."""

    store: CellStore

    def key(self, layer: str | None) -> str:
        """The one matrix, which goes by no name or by that of the layer it was built from.

        Raises
        ------
        DataError: another layer is asked for.
        """
        return "X" if layer == self.store.facts["layer"] else super().key(layer)

    def open(self, key: str) -> Matrix:
        """The matrix, left where it is."""
        del key
        return StoreMatrix(self.store)


def open_recorded(path: str | Path) -> H5ad:
    """Read the tables of a screen, whether it is an h5ad file or a cell store; no matrix is loaded.

    Raises
    ------
    DataError: there is no such file, or it holds no cells or no genes.
    IntegrityError: it is damaged, hostile or unfinished.
    """
    path = Path(path)
    if not is_store(path):
        return open_h5ad(path)
    store = CellStore.open(path)
    tables = open_h5ad(tables_file(store.folder))
    matrices = {"X": Stored("csr", store.shape, len(store.values), store.values.dtype)}
    return OpenedStore(**vars(replace(tables, path=path, matrices=matrices)), store=store)


def tables_of(path: str | Path) -> Path:
    """The h5ad file with the tables and notes of a screen: itself, or the one inside a store.

    Raises
    ------
    IntegrityError: no such store, or one without tables.
    """
    path = Path(path)
    return tables_file(CellStore.open(path).folder) if is_store(path) else path
