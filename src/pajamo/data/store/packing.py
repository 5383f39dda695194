"""Making a compressed store of a store, and a store of a compressed one; both hold the same, bit by bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import BloscCodec

from pajamo.data.mapped import MappedWriter
from pajamo.data.store import format as plain
from pajamo.data.store.compressed import CompressedStore
from pajamo.data.store.new_folder import new_folder
from pajamo.data.store.packed_format import (
    CHECKS,
    LIBRARY,
    STARTS,
    STEPS,
    TABLES,
    VALUES,
    Head,
    checksum_of,
)
from pajamo.data.store.store import CellStore
from pajamo.data.store.tables import tables_file

BLOCK_VALUES = 1 << 17
"""Values of a block, about: small enough to be read for one cell, large enough to compress well."""
LARGEST_BLOCK = 1 << 16
SHARD = 32
"""Blocks in a file: few files, and yet each block can be read alone."""
LEVEL = 5
Array = NDArray[Any]


def compress_store(
    store: CellStore, out: str | Path, *, block_cells: int | None = None, level: int = LEVEL
) -> CompressedStore:
    """Write a compressed copy for cold or remote storage; one block of cells at a time lies in memory.

    Parameters
    ----------
    out: the new folder, a zarr v3 group.
    block_cells: cells that are compressed together; by default a power of two with about `BLOCK_VALUES` values.
    level: of Zstandard, 1 (fast) to 9 (small).

    Raises
    ------
    DataError: `out` exists.
    IntegrityError: the store is damaged.
    StorageError: the disk is full or refuses; nothing is left behind.
    """
    cells = block_cells or _block_cells(store)
    with new_folder(Path(out)) as folder:
        group = zarr.create_group(str(folder), zarr_format=3)
        blocks = _bounds(store, cells)
        checks = _write_blocks(group, store, blocks, level)
        whole = {
            STARTS: np.asarray(store.starts),
            LIBRARY: np.asarray(store.library_size),
            CHECKS: checks,
            TABLES: np.fromfile(tables_file(store.folder), dtype=np.uint8),
        }
        for name, array in whole.items():
            _whole(group, name, array, level)
        checksums = {name: checksum_of(array).hex() for name, array in whole.items()}
        group.attrs.update(Head(store.facts, cells, checksums).attributes())
    return CompressedStore.open(out)


def unpack_store(packed: CompressedStore, out: str | Path) -> CellStore:
    """Write an uncompressed store, for training on all cells in random order.

    Raises
    ------
    DataError: `out` exists.
    IntegrityError: the compressed store is damaged.
    StorageError: the disk is full or refuses; nothing is left behind.
    """
    held = packed.blocks
    with MappedWriter(Path(out), plain.KIND, plain.VERSION) as writer:
        writer.write(plain.STARTS, held.starts, plain.start_type(int(held.starts[-1])))
        writer.write(plain.LIBRARY, held.library_size)
        for block in range(held.n_blocks):
            values, columns = held.block(block)
            writer.write(plain.VALUES, values)
            writer.write(plain.COLUMNS, columns)
        with writer.file(packed.facts["tables"]) as path:
            path.write_bytes(held.tables_bytes())
        writer.commit(packed.facts)
    return CellStore.open(out)


def _block_cells(store: CellStore) -> int:
    each = max(len(store.values) / max(store.n_cells, 1), 1.0)
    return 1 << int(np.clip(np.round(np.log2(BLOCK_VALUES / each)), 0, np.log2(LARGEST_BLOCK)))


def _bounds(store: CellStore, cells: int) -> NDArray[np.int64]:
    """First value of each block, and the end of the last one."""
    edges = np.append(np.arange(0, store.n_cells, cells), store.n_cells)
    return np.asarray(store.starts[edges], dtype=np.int64)


def _write_blocks(
    group: zarr.Group, store: CellStore, bounds: NDArray[np.int64], level: int
) -> NDArray[np.uint64]:
    width = max(int(np.diff(bounds).max(initial=0)), 1)
    blocks = len(bounds) - 1
    arrays = [
        _blocked(group, name, (blocks, width), array.dtype, level)
        for name, array in ((VALUES, store.values), (STEPS, store.columns))
    ]
    checks = np.zeros(blocks, dtype=np.uint64)
    for first in range(0, blocks, SHARD):
        count = min(SHARD, blocks - first)
        values, steps = (np.zeros((count, width), dtype=array.dtype) for array in arrays)
        for number in range(count):
            low, high = bounds[first + number : first + number + 2]
            values[number, : high - low] = store.values[low:high]
            steps[number, : high - low] = steps_of(store.columns[low:high])
            check = checksum_of(values[number], steps[number])
            checks[first + number] = int.from_bytes(check, "little")
        arrays[0][first : first + count], arrays[1][first : first + count] = values, steps
    return checks


def steps_of(columns: Array) -> Array:
    """Each column as the step from the one before it, the first one from zero; unsigned types wrap around."""
    steps = columns.copy()
    steps[1:] -= columns[:-1]
    return steps


def _blocked(
    group: zarr.Group, name: str, shape: tuple[int, int], dtype: np.dtype[Any], level: int
) -> zarr.Array[Any]:
    return group.create_array(
        name,
        shape=shape,
        chunks=(1, shape[1]),
        shards=(SHARD, shape[1]),
        dtype=dtype,
        compressors=[_codec(dtype, level)],
    )


def _whole(group: zarr.Group, name: str, array: Array, level: int) -> None:
    stored = group.create_array(
        name,
        shape=array.shape,
        chunks=(max(len(array), 1),),
        dtype=array.dtype,
        compressors=[_codec(array.dtype, level)],
    )
    stored[:] = array


def _codec(dtype: np.dtype[Any], level: int) -> BloscCodec:
    return BloscCodec(cname="zstd", clevel=level, shuffle="shuffle", typesize=dtype.itemsize)
