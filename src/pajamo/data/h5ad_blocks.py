"""Writes an h5ad whose matrix arrives block by block and never lies in memory as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp

from pajamo.data.atomic import replace_file

CHUNK = 1 << 18
"""Stored values in one HDF5 chunk: a megabyte of 32-bit values, read in one go."""


def write_h5ad_blocks(
    path: Path,
    obs: pd.DataFrame,
    var: pd.DataFrame,
    uns: Mapping[str, object],
    blocks: Iterable[sp.csr_matrix],
) -> None:
    """Write cells by genes to an h5ad, X as CSR, compressed; atomic.

    Arguments
    ---------
    blocks: consecutive rows of X; together as many as `obs` has, each as wide as `var` is long.

    Raises
    ------
    StorageError: the disk is full or refuses; nothing is left behind.
    """

    def write(temporary: Path) -> None:
        anndata.AnnData(obs=obs, var=var, uns=dict(uns)).write_h5ad(temporary)
        with h5py.File(temporary, "r+") as file:
            file.pop("X", None)
            _write_csr(file, blocks, (len(obs), len(var)))

    replace_file(path, write)


def _write_csr(file: h5py.File, blocks: Iterable[sp.csr_matrix], shape: tuple[int, int]) -> None:
    group = file.create_group("X")
    group.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0", "shape": np.array(shape)})
    group.create_dataset(
        "indices", shape=(0,), maxshape=(None,), dtype="int32", chunks=(CHUNK,), compression="lzf"
    )
    lengths = [np.zeros(1, dtype=np.int64)]
    for block in blocks:
        if "data" not in group:
            kind = block.dtype
            group.create_dataset(
                "data", shape=(0,), maxshape=(None,), dtype=kind, chunks=(CHUNK,), compression="lzf"
            )
        _append(group["data"], block.data)
        _append(group["indices"], block.indices)
        lengths.append(np.diff(block.indptr).astype(np.int64))
    group.create_dataset("indptr", data=np.cumsum(np.concatenate(lengths)))


def _append(stored: h5py.Dataset, values: np.ndarray) -> None:
    start = stored.shape[0]
    stored.resize((start + len(values),))
    stored[start:] = values
