"""Adding cells to a store: who reads it goes on seeing the cells that were there, and a failure changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from pajamo.data.mapped import MappedWriter
from pajamo.data.store.filling import Filling, Progress
from pajamo.data.store.format import KIND, STARTS, VERSION, WIDE_STARTS, start_type
from pajamo.data.store.genes import common_genes, require_same
from pajamo.data.store.joining import joined_cells, joined_notes
from pajamo.data.store.sources import Source, open_source
from pajamo.data.store.store import CellStore
from pajamo.data.store.tables import StoredTables
from pajamo.data.store.values import DoesNotFit
from pajamo.errors import DataError

COPIED_AT_ONCE = 1 << 20


def append_cells(
    path: str | Path,
    sources: Sequence[str | Path],
    *,
    layer: str | None = None,
    genes: Literal["same", "store"] = "same",
    progress: Progress | None = None,
) -> CellStore:
    """Write the cells of further files behind those of a store.

    Parameters
    ----------
    path: of the store.
    sources: files, as for `build_store`.
    layer: which matrix of each file; X if not given.
    genes: "same" (files must list the store's genes, in any order) or "store" (a gene that a file lacks was not seen
        in its cells; one that the store lacks is left out, but counts in the library sizes).
    progress: is told how far it is.

    Returns
    -------
    The store, opened again.

    Raises
    ------
    DataError: genes, cells or values that do not fit the store, or another process is writing it.
    IntegrityError: the store or a file is damaged.
    StorageError: the disk is full or refuses. The store is as it was after any error or an interruption.
    """
    path = Path(path)
    opened = [open_source(source, path.parent, layer) for source in sources]
    return append_from(path, opened, genes=genes, progress=progress)


def append_from(
    path: Path,
    sources: Sequence[Source],
    *,
    genes: Literal["same", "store"] = "same",
    progress: Progress | None = None,
) -> CellStore:
    """The same, from sources that are open already.

    Raises
    ------
    DataError, IntegrityError, StorageError: as `append_cells`.
    """
    CellStore.open(path)
    with MappedWriter(path, KIND, VERSION, append=True) as writer:
        # Opened again behind the lock: another process may have appended in the meantime.
        _append(writer, CellStore.open(path), sources, genes, progress)
    return CellStore.open(path)


def _append(
    writer: MappedWriter,
    store: CellStore,
    sources: Sequence[Source],
    genes: Literal["same", "store"],
    progress: Progress | None,
) -> None:
    _require_genes(store, sources, genes)
    names = [str(store.path), *(source.name for source in sources)]
    obs = joined_cells([store.obs, *(source.obs for source in sources)], names)
    notes = joined_notes([dict(store.tables.notes), *(dict(source.notes) for source in sources)])
    filling = Filling(
        writer,
        store.genes,
        store.facts["value_type"],
        _starts(writer, store, sources),
        values=len(store.values),
        gene_cells=store.tables.gene_cells,
        progress=progress,
    )
    _fill(filling, sources)
    name = f"tables.{int(str(store.facts['tables']).split('.')[1]) + 1}.h5ad"
    with writer.file(name) as path:
        StoredTables(obs, store.var, filling.gene_cells, notes).write(path)
    writer.drop_file(str(store.facts["tables"]))
    writer.commit(_facts(store, filling, sources, obs, name))


def _fill(filling: Filling, sources: Sequence[Source]) -> None:
    try:
        for source in sources:
            filling.add(source)
    except DoesNotFit as error:
        raise DataError(
            error.what,
            where=error.where,
            why="the values that the store has are of this type",
            fix="build a new store: `pajamo store build OLD.pstore NEW.h5ad OUT.pstore` finds the type for both",
        ) from error


def _facts(
    store: CellStore, filling: Filling, sources: Sequence[Source], obs: pd.DataFrame, tables: str
) -> dict[str, Any]:
    left_out = any(not source.var.index.isin(store.genes).all() for source in sources)
    return {
        **store.facts,
        "cells": len(obs),
        "values": filling.values,
        "largest": max(store.facts["largest"], filling.largest),
        "whole": store.facts["whole"] and filling.whole,
        "left_out": store.facts["left_out"] or left_out,
        "tables": tables,
        "sources": store.facts["sources"]
        + [{"file": source.file, "cells": len(source.obs)} for source in sources],
    }


def _require_genes(store: CellStore, sources: Sequence[Source], choice: str) -> None:
    for source in sources:
        common_genes([source.name], [source.var.index], "same")
        if choice == "same":
            fix = "append with `--genes store`, or build a new store of all files with `--genes union`"
            require_same(source.name, source.var.index, str(store.path), store.genes, fix)


def _starts(writer: MappedWriter, store: CellStore, sources: Sequence[Source]) -> str:
    """Array of starts to go on with: a wider copy where 32 bits no longer reach."""
    if WIDE_STARTS in store.folder.manifest.arrays:
        return WIDE_STARTS
    most = len(store.values) + sum(source.most for source in sources)
    if start_type(most) == "uint32" or store.starts.dtype == np.dtype("uint64"):
        return STARTS
    for first in range(0, len(store.starts), COPIED_AT_ONCE):
        writer.write(WIDE_STARTS, store.starts[first : first + COPIED_AT_ONCE].astype(np.uint64))
    return WIDE_STARTS
