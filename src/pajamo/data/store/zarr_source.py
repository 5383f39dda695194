"""A zarr folder that anndata wrote, as a source of a store."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
import zarr
from anndata.io import read_elem

from pajamo.data.reading.integrity import reading_errors
from pajamo.data.reading.stored import LAYOUTS, Stored, damaged, require_numbers
from pajamo.data.store.layouts import blocks_of
from pajamo.data.store.sources import PROTOCOL, Source
from pajamo.errors import DataError, IntegrityError, nearest, shorten


def zarr_source(path: Path, scratch: Path, layer: str | None) -> Source:
    """Open a zarr folder; no matrix is loaded.

    Raises
    ------
    DataError: no such layer, no cells, or values that are no numbers.
    IntegrityError: it is not an AnnData, or is damaged.
    """
    with reading_errors(path):
        root = _root(path)
        obs, var = _table(root, "obs", path), _table(root, "var", path)
        key = _key(root, path, layer)
        where = f"{path}: {key}"
        stored = _described(root[key], where)
        notes = _notes(root)
    require_numbers(where, stored)
    if stored.shape != (len(obs), len(var)) or not len(obs) or not len(var):
        raise damaged(where, f"its shape {stored.shape} does not fit the tables of cells and genes")

    def blocks() -> Iterator[sp.csr_matrix]:
        with reading_errors(path):
            yield from blocks_of(_root(path)[key], stored.layout, stored.shape, where, scratch)

    return Source(where, obs, var, blocks, stored.values, notes)


def _root(path: Path) -> Any:
    return zarr.open_group(str(path), mode="r")


def _table(root: Any, name: str, path: Path) -> pd.DataFrame:
    if name not in root:
        raise IntegrityError(
            "this zarr folder is not an AnnData",
            where=str(path),
            why=f"it has no {name}",
            fix="write it with anndata: adata.write_zarr(...)",
        )
    with warnings.catch_warnings():
        # Of what anndata warns in files of older versions the user can change nothing.
        warnings.simplefilter("ignore")
        table: pd.DataFrame = read_elem(root[name])
    table.index = pd.Index([str(one) for one in table.index], dtype=object)
    return table


def _key(root: Any, path: Path, layer: str | None) -> str:
    layers = list(root["layers"]) if "layers" in root else []
    if layer is None and "X" in root:
        return "X"
    if layer in layers:
        return f"layers/{layer}"
    raise DataError(
        "X is missing" if layer is None else f"there is no layer {layer!r}",
        where=str(path),
        why=f"its layers are: {shorten(layers) or '(none)'}",
        fix=f"{nearest(layer or '', layers)}name the layer with the counts",
    )


def _described(node: Any, where: str) -> Stored:
    if hasattr(node, "shape"):
        if len(node.shape) != 2:
            raise damaged(where, f"it has {len(node.shape)} dimensions")
        return Stored("dense", (int(node.shape[0]), int(node.shape[1])), int(node.size), np.dtype(node.dtype))
    layout = LAYOUTS.get(str(node.attrs.get("encoding-type")))
    if layout is None:
        raise damaged(where, "it is neither a dense nor a sparse matrix")
    cells, genes = (int(length) for length in node.attrs["shape"])
    return Stored(layout, (cells, genes), int(node["data"].shape[0]), np.dtype(node["data"].dtype))


def _notes(root: Any) -> dict[str, Any]:
    uns = root.get("uns", {})
    return {name: read_elem(uns[name]) for name in ("simulated", "pajamo_fixes", PROTOCOL) if name in uns}
