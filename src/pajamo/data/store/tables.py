"""The tables of a store: cells and genes, and what their files noted, as an h5ad file without a matrix."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from anndata.io import read_elem, write_elem
from numpy.typing import NDArray

from pajamo.data.atomic import sha256
from pajamo.data.mapped import MappedFolder
from pajamo.data.reading.integrity import guard_hdf5, reading_errors
from pajamo.data.store.table_columns import write_table
from pajamo.errors import IntegrityError

GENE_CELLS = "pajamo_gene_cells"
"""Entry of uns: for each gene the number of cells in which it was counted."""
PACKED = {"compression": "gzip", "shuffle": True}


@dataclass(frozen=True)
class StoredTables:
    """Tables of cells and genes.

    Attributes
    ----------
    obs, var: tables of cells and of genes, indexed by name.
    gene_cells: number of cells in which each gene was counted, shape (genes,).
    notes: further entries of uns that pajamo knows: whether the cells are simulated, what was mended, the protocol.
    """

    obs: pd.DataFrame
    var: pd.DataFrame
    gene_cells: NDArray[np.int64]
    notes: Mapping[str, Any] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Write them to a new file."""
        with h5py.File(path, "w") as file:
            file.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
            write_table(file, "obs", self.obs)
            write_table(file, "var", self.var)
            write_elem(file, "uns", {})
            for name, note in self.notes.items():
                write_elem(file["uns"], name, note)
            write_elem(file["uns"], GENE_CELLS, self.gene_cells, dataset_kwargs=PACKED)


def tables_file(folder: MappedFolder) -> Path:
    """Path of the tables that count.

    Raises
    ------
    IntegrityError: the manifest names none.
    """
    name = folder.facts.get("tables")
    if name not in folder.manifest.files:
        raise IntegrityError(
            "the store has no tables of cells and genes", where=str(folder.path), fix="build it again"
        )
    return folder.path / str(name)


def read_tables(folder: MappedFolder, shape: tuple[int, int]) -> StoredTables:
    """Read the tables of a store with this many cells and genes.

    Raises
    ------
    IntegrityError: the file was altered or is damaged, or does not fit the arrays.
    """
    path = tables_file(folder)
    if sha256(path) != folder.manifest.files[path.name]:
        raise IntegrityError(
            f"the file {path.name} was altered", where=str(path), fix="build the store again"
        )
    guard_hdf5(path)
    with reading_errors(path), h5py.File(path, "r") as file, warnings.catch_warnings():
        # Of what anndata warns in a file that was written here the user can change nothing.
        warnings.simplefilter("ignore")
        notes = {name: read_elem(node) for name, node in file["uns"].items()}
        gene_cells = np.asarray(notes.pop(GENE_CELLS), dtype=np.int64)
        found = StoredTables(read_elem(file["obs"]), read_elem(file["var"]), gene_cells, notes)
    if (len(found.obs), len(found.var)) != shape:
        raise IntegrityError(
            f"the tables name {len(found.obs):,} cells and {len(found.var):,} genes",
            where=str(path),
            why=f"the store has {shape[0]:,} and {shape[1]:,}",
            fix="build it again, or take it from a backup",
        )
    return found
