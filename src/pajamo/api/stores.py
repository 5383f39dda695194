"""Verbs about cell stores: build, append, open, verify, export, compress; and reading a screen wherever it lies."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pajamo.api.screens import as_file
from pajamo.api.studies import Progress
from pajamo.config import DataSettings, parse
from pajamo.errors import DataError

if TYPE_CHECKING:
    import anndata

    from pajamo.data.screen import Screen
    from pajamo.data.store import CellStore
    from pajamo.data.store.compressed import CompressedStore
    from pajamo.data.store.format import ValueType

AnyCells: TypeAlias = "str | Path | anndata.AnnData"


def read_screen(path: str | Path, **columns: Any) -> Screen:
    """A perturbation screen from an h5ad file or a cell store; a large matrix stays where it is.

    Parameters
    ----------
    path: the file, or the folder of the store.
    columns: keys of [data] in a study: perturbation, control, layer, scale, batch, context, time, ...

    Raises
    ------
    StudyError: an unknown key among the columns.
    DataError: what a perturbation model needs is not there; `check` names every rule.
    IntegrityError: it is truncated, damaged or hostile.
    """
    from pajamo.data.reading.screens import read_screen as read

    return read(parse(DataSettings, {**columns, "path": Path(path)}, where="the columns given"))


def build_store(
    sources: AnyCells | Sequence[AnyCells],
    out: str | Path,
    *,
    layer: str | None = None,
    genes: Literal["same", "union", "intersection"] = "same",
    value_type: ValueType | None = None,
    progress: Progress | None = None,
) -> CellStore:
    """Turn AnnData of any layout into a cell store: checked, compact, and streamed from in random order.

    Parameters
    ----------
    sources: h5ad files (by cells, by genes or dense), zarr folders, AnnData in memory or backed, or other stores; one
        or several, whose cells follow one another.
    out: the new folder, as "screen.pstore".
    layer: which matrix; X if not given.
    genes: where files list different genes: refuse them ("same"), keep all ("union") or those of every file
        ("intersection").
    value_type: "uint8", "uint16", "uint32", "float32" or "float64"; if not given, the smallest that changes no value.
    progress: is told how far it is.

    Raises
    ------
    DataError: files that do not fit together, impossible values, values that `value_type` would change, or an `out`
        that exists.
    IntegrityError: a file is truncated, damaged or hostile.
    StorageError: the disk refuses. Nothing is left behind after any error.
    """
    from pajamo.data.store import building

    with tempfile.TemporaryDirectory() as folder:
        return building.build_store(
            _files(sources, Path(folder)),
            out,
            layer=layer,
            genes=genes,
            value_type=value_type,
            progress=progress,
        )


def append_cells(
    store: str | Path,
    sources: AnyCells | Sequence[AnyCells],
    *,
    layer: str | None = None,
    genes: Literal["same", "store"] = "same",
    progress: Progress | None = None,
) -> CellStore:
    """Write further cells behind those of a store; processes that read it are not disturbed.

    Parameters
    ----------
    store: the folder.
    sources, layer, progress: as for `build_store`.
    genes: refuse files with other genes than the store's ("same"), or go by the store's list ("store").

    Raises
    ------
    DataError: genes, cells or values that do not fit the store, or another process is writing it.
    IntegrityError: the store or a file is damaged.
    StorageError: the disk refuses. The store is as it was after any error.
    """
    from pajamo.data.store import appending

    with tempfile.TemporaryDirectory() as folder:
        files = _files(sources, Path(folder))
        return appending.append_cells(store, files, layer=layer, genes=genes, progress=progress)


def open_store(path: str | Path, *, numba: bool | None = None) -> CellStore:
    """Open a cell store for reading: `store.dense(rows)`, `store.rows(rows)`, `store.obs`, `store.genes`.

    Parameters
    ----------
    path: the folder.
    numba: gather batches by compiled code; where it is installed if not said.

    Raises
    ------
    DataError: it is a file.
    IntegrityError: there is no such store, or it is unfinished, newer or cut off.
    MissingExtraError: numba is asked for and not installed.
    """
    from pajamo.data.store import CellStore

    return CellStore.open(path, numba=numba)


def verify_store(path: str | Path) -> CellStore:
    """Read every byte of a store and compare it with the checksums that were kept when it was written.

    Raises
    ------
    IntegrityError: naming the file and the block that differ.
    """
    store = open_store(path)
    store.verify()
    return store


def export_store(store: str | Path, out: str | Path) -> Path:
    """Write a store as AnnData for other tools: an h5ad file or a zarr folder, as the name of `out` says.

    Raises
    ------
    DataError: `out` exists, or its name ends in neither .h5ad nor .zarr.
    IntegrityError: the store is damaged.
    StorageError: the disk refuses; nothing is left behind.
    """
    from pajamo.data.store.exporting import export_h5ad, export_zarr

    out = Path(out)
    writers = {".h5ad": export_h5ad, ".zarr": export_zarr}
    if out.suffix not in writers:
        raise DataError("what to write is not known", where=str(out), fix="name it NAME.h5ad or NAME.zarr")
    writers[out.suffix](open_store(store), out)
    return out


def import_scdl(
    folder: str | Path,
    out: str | Path,
    *,
    gene_names: str | None = None,
    genes: Literal["same", "union", "intersection"] = "same",
    value_type: ValueType | None = None,
    progress: Progress | None = None,
) -> CellStore:
    """Turn a BioNeMo SCDL archive into a store; the archive is only read.

    Parameters
    ----------
    folder: of the archive.
    out: the new folder, as "screen.pstore".
    gene_names: column of the archive's gene features that names the genes, where it does not say so itself.
    genes, value_type, progress: as for `build_store`.

    Raises
    ------
    DataError: names of genes are not known or repeat, or values that cannot be counts.
    IntegrityError: the archive contradicts its header or itself.
    MissingExtraError: its tables need the extra `parquet`.
    StorageError: the disk refuses; nothing is left behind.
    """
    from pajamo.data.store import scdl

    return scdl.import_scdl(
        folder, out, gene_names=gene_names, genes=genes, value_type=value_type, progress=progress
    )


def compress_store(store: str | Path, out: str | Path) -> CompressedStore:
    """Write a block-compressed copy of a store for cold or remote storage; it is read in the same way, more slowly.

    Raises
    ------
    DataError: `out` exists.
    IntegrityError: the store is damaged.
    StorageError: the disk refuses; nothing is left behind.
    """
    from pajamo.data.store import packing

    return packing.compress_store(open_store(store), out)


def unpack_store(packed: str | Path, out: str | Path) -> CellStore:
    """Write a compressed store as an uncompressed one, to train on its cells in random order.

    Raises
    ------
    DataError: `out` exists.
    IntegrityError: the compressed store is damaged.
    StorageError: the disk refuses; nothing is left behind.
    """
    from pajamo.data.store import packing
    from pajamo.data.store.compressed import CompressedStore

    return packing.unpack_store(CompressedStore.open(packed), out)


def _files(sources: AnyCells | Sequence[AnyCells], folder: Path) -> list[Path]:
    listed = sources if isinstance(sources, list | tuple) else [sources]
    return [_file(source, folder / str(number)) for number, source in enumerate(listed)]


def _file(source: Any, folder: Path) -> Path:
    if not isinstance(source, str | Path) and source.isbacked and not source.is_view:
        return Path(source.filename)
    folder.mkdir()
    return as_file(source, folder)
