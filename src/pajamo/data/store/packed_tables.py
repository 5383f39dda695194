"""The tables of a compressed store, read from the bytes of the h5ad file that it carries."""

from __future__ import annotations

import io
import warnings

import h5py
import numpy as np
from anndata.io import read_elem

from pajamo.data.store.tables import GENE_CELLS, StoredTables


def tables_from(content: bytes) -> StoredTables:
    """Read tables that `StoredTables.write` wrote; their checksum must have been compared."""
    with h5py.File(io.BytesIO(content), "r") as file, warnings.catch_warnings():
        # Of what anndata warns in a file that was written here the user can change nothing.
        warnings.simplefilter("ignore")
        notes = {name: read_elem(node) for name, node in file["uns"].items()}
        gene_cells = np.asarray(notes.pop(GENE_CELLS), dtype=np.int64)
        return StoredTables(read_elem(file["obs"]), read_elem(file["var"]), gene_cells, notes)
