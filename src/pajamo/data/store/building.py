"""Building a store of one or more files: conversion streams, and until it is finished there is no store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pajamo.data.atomic import storage_errors
from pajamo.data.mapped import MappedWriter
from pajamo.data.store.filling import Filling, Progress
from pajamo.data.store.format import KIND, STARTS, VALUE_TYPES, VERSION, ValueType, start_type
from pajamo.data.store.genes import GeneChoice, common_genes
from pajamo.data.store.joining import joined_cells, joined_genes, joined_notes
from pajamo.data.store.sources import Source, open_source
from pajamo.data.store.store import CellStore
from pajamo.data.store.tables import StoredTables
from pajamo.data.store.values import DoesNotFit
from pajamo.errors import DataError, shorten, warn

FIRST_TABLES = "tables.0.h5ad"


def build_store(
    sources: Sequence[str | Path],
    out: str | Path,
    *,
    layer: str | None = None,
    genes: GeneChoice = "same",
    value_type: ValueType | None = None,
    progress: Progress | None = None,
) -> CellStore:
    """Turn files of cells by genes into one store; memory does not grow with the number of cells.

    Parameters
    ----------
    sources: h5ad files (rows, columns or dense), zarr folders of anndata, or other stores; cells in this order.
    out: the new folder.
    layer: which matrix of each file; X if not given.
    genes: what to do where files list different genes: "same" refuses, "union", "intersection"; see `common_genes`.
    value_type: of the stored values. If not given, the smallest type of whole counts that holds every value, or
        float32 (with a warning) if values are not whole.
    progress: is told how far it is.

    Raises
    ------
    DataError: files that do not fit together; values that are negative, not finite, or that `value_type` would
        change: the cell and the gene are named; `out` exists.
    IntegrityError: a file is truncated, damaged or hostile.
    StorageError: the disk is full or refuses. Nothing is left behind after any error or an interruption.
    """
    out = Path(out)
    _require_asked(sources, out, value_type)
    with storage_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    opened = [open_source(path, out.parent, layer) for path in sources]
    return build_from(opened, out, genes=genes, value_type=value_type, layer=layer, progress=progress)


def build_from(
    sources: Sequence[Source],
    out: Path,
    *,
    genes: GeneChoice = "same",
    value_type: ValueType | None = None,
    layer: str | None = None,
    progress: Progress | None = None,
) -> CellStore:
    """The same, from sources that are open already, or that are no files at all.

    Raises
    ------
    DataError, IntegrityError, StorageError: as `build_store`.
    """
    listed = common_genes(
        [source.name for source in sources], [source.var.index for source in sources], genes
    )
    tables = (
        joined_cells([source.obs for source in sources], [source.name for source in sources]),
        joined_genes(sources, listed),
        joined_notes([dict(source.notes) for source in sources]),
    )
    kind: ValueType = value_type or VALUE_TYPES[0]
    while True:
        try:
            _write(sources, out, tables, kind, layer, progress)
            break
        except DoesNotFit as error:
            if value_type is not None or error.wider is None:
                raise
            kind = error.wider
            if progress:
                progress(f"{error.what}: begun again with {kind}")
    if value_type is None and kind.startswith("float"):
        warn(f"{out.name}: values are not whole numbers, so they are no counts; they are stored as {kind}")
    return CellStore.open(out)


def _write(
    sources: Sequence[Source],
    out: Path,
    tables: tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]],
    kind: ValueType,
    layer: str | None,
    progress: Progress | None,
) -> None:
    obs, var, notes = tables
    with MappedWriter(out, KIND, VERSION) as writer:
        writer.write(STARTS, np.zeros(1, np.int64), start_type(sum(source.most for source in sources)))
        filling = Filling(writer, var.index, kind, STARTS, progress=progress)
        for source in sources:
            filling.add(source)
        with writer.file(FIRST_TABLES) as path:
            StoredTables(obs, var, filling.gene_cells, notes).write(path)
        writer.commit(
            {
                "cells": len(obs),
                "genes": len(var),
                "values": filling.values,
                "value_type": kind,
                "largest": filling.largest,
                "whole": filling.whole,
                "layer": layer,
                "left_out": any(not source.var.index.isin(var.index).all() for source in sources),
                "tables": FIRST_TABLES,
                "sources": [{"file": source.file, "cells": len(source.obs)} for source in sources],
            }
        )


def _require_asked(sources: Sequence[str | Path], out: Path, value_type: str | None) -> None:
    if not sources:
        raise DataError(
            "no file is named", where=str(out), fix="name the files whose cells the store is to hold"
        )
    if value_type is not None and value_type not in VALUE_TYPES:
        raise DataError(
            f"values cannot be stored as {value_type!r}",
            where="--value-type",
            fix=f"use {shorten(VALUE_TYPES)}",
        )
    if out.exists():
        raise DataError(
            "the store exists already",
            where=str(out),
            fix="give another name, delete it first, or append to it: `pajamo store append`",
        )
