"""An h5ad file opened for reading: its tables in memory, its matrices left where they are."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import pandas as pd
from anndata.io import read_elem

from pajamo.data.matrix import Matrix
from pajamo.data.reading.integrity import guard_hdf5, reading_errors
from pajamo.data.reading.stored import Stored, open_stored, stored_matrices
from pajamo.data.reading.trial import try_reading
from pajamo.errors import DataError, IntegrityError, nearest, shorten

OLD_CATEGORIES = "__categories"
"""Group in which anndata 0.7 kept the names of categorical columns."""
FIXES = "pajamo_fixes"
"""Entry of uns in which a mended file records what was done to it, one JSON text a step."""


@dataclass(frozen=True)
class H5ad:
    """Tables of an h5ad file, and what matrices it holds.

    Attributes
    ----------
    obs, var: tables of cells and of genes, indexed by name (text).
    raw_var: genes of `adata.raw`, or None.
    matrices: keys of the matrices ("X", "layers/counts", "raw/X") with how each is stored.
    simulated: whether uns says that a generator made the cells.
    fixes: what `pajamo check --fix` did to the file, in order; see `fix_screen`.
    """

    path: Path
    obs: pd.DataFrame
    var: pd.DataFrame
    raw_var: pd.DataFrame | None
    matrices: Mapping[str, Stored]
    simulated: bool
    fixes: tuple[str, ...]

    def key(self, layer: str | None) -> str:
        """Where in the file the layer (X if None) lies.

        Raises
        ------
        DataError: there is no such matrix; those that exist are named.
        """
        key = "X" if layer is None else f"layers/{layer}"
        if key not in self.matrices:
            layers = [k.removeprefix("layers/") for k in self.matrices if k.startswith("layers/")]
            hint = nearest(layer or "X", layers)
            raise DataError(
                "X is missing" if layer is None else f"there is no layer {layer!r}",
                where=str(self.path),
                why=f"the file has {shorten(self.matrices) or 'no matrix'}",
                fix=f"{hint}set `layer` to one of: {shorten(layers)}" if layers else "put the counts in X",
            )
        return key

    def genes_of(self, key: str) -> pd.DataFrame:
        """Table of the genes that are the columns of this matrix."""
        return self.raw_var if key.startswith("raw/") and self.raw_var is not None else self.var

    def open(self, key: str) -> Matrix:
        """The matrix at this key: a small one in memory, a large one left in the file.

        Raises
        ------
        DataError, IntegrityError: see `open_stored`.
        """
        expected = (len(self.obs), len(self.genes_of(key)))
        return open_stored(self.path, key, self.matrices[key], expected)


def open_h5ad(path: str | Path) -> H5ad:
    """Read the tables of cells and genes; no matrix is loaded.

    Raises
    ------
    DataError: there is no such file, or it holds no cells or no genes.
    IntegrityError: not an h5ad, truncated, damaged or hostile (see `guard_hdf5`).
    """
    path = Path(path)
    guard_hdf5(path)
    try_reading(path)
    with reading_errors(path), h5py.File(path, "r") as file:
        _require_tables(path, file)
        opened = H5ad(
            path=path,
            obs=_table(file["obs"]),
            var=_table(file["var"]),
            raw_var=_table(file["raw/var"]) if "raw/var" in file else None,
            matrices=stored_matrices(file),
            simulated=_simulated(file),
            fixes=_fixes(file),
        )
    for what, table in (("cells", opened.obs), ("genes", opened.var)):
        if len(table) == 0:
            raise DataError(f"the file has no {what}", where=str(path), fix="write it again, complete")
    return opened


def _require_tables(path: Path, file: h5py.File) -> None:
    missing = [name for name in ("obs", "var") if name not in file]
    if missing:
        raise IntegrityError(
            "this HDF5 file is not an h5ad",
            where=str(path),
            why=f"it has no {' and no '.join(missing)}; it has {shorten(file) or 'nothing'}",
            fix="write it with anndata: adata.write_h5ad(...)",
        )
    old = [name for name in ("obs", "var") if isinstance(file[name], h5py.Dataset)]
    if old:
        raise DataError(
            "this h5ad was written by an anndata before 0.7",
            where=f"{path}: {old[0]}",
            fix="read it with anndata and write it again: anndata.read_h5ad(a).write_h5ad(b)",
        )


def _table(node: h5py.Group) -> pd.DataFrame:
    with warnings.catch_warnings():
        # Files of older anndata versions are read with warnings that the user can do nothing about.
        warnings.simplefilter("ignore")
        table = _old_table(node) if OLD_CATEGORIES in node else read_elem(node)
    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"{node.name} is not a table")
    table.index = pd.Index([str(name) for name in table.index], dtype=object)
    return table


def _old_table(node: h5py.Group) -> pd.DataFrame:
    """A table as anndata 0.7 wrote it, which newer versions no longer read."""
    columns = {str(name): _old_column(node, str(name)) for name in node.attrs["column-order"]}
    return pd.DataFrame(columns, index=_old_column(node, str(node.attrs["_index"])))


def _old_column(node: h5py.Group, name: str) -> Any:
    stored = node[name]
    if "categories" in stored.attrs:
        return pd.Categorical.from_codes(stored[:], _values(node.file[stored.attrs["categories"]]))
    return read_elem(stored) if isinstance(stored, h5py.Group) else _values(stored)


def _values(stored: h5py.Dataset) -> Any:
    return stored.asstr()[:] if h5py.check_string_dtype(stored.dtype) else stored[:]


def _simulated(file: h5py.File) -> bool:
    mark = file.get("uns/simulated")
    return isinstance(mark, h5py.Dataset) and mark.shape == () and bool(mark[()])


def _fixes(file: h5py.File) -> tuple[str, ...]:
    record = file.get(f"uns/{FIXES}")
    return tuple(str(line) for line in read_elem(record)) if isinstance(record, h5py.Dataset) else ()
