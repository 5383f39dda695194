"""What a compressed store consists of: a zarr v3 group that any machine can read chunk by chunk.

    values       counts; one chunk is a block of consecutive cells, filled with zeros up to the largest block
    steps        columns, each as the step from the one before it, modulo the type's range; chunks as of `values`
    starts       where the values of each cell begin, shape (cells + 1,)
    library_size molecules of each cell over all genes of its file
    checks       checksum of each block, shape (blocks,)
    tables       the tables of cells and genes: the bytes of the store's h5ad file

Steps between columns are small numbers that repeat, which columns are not: they take a third of the space. The type
wraps around from the last column of a cell to the first of the next, so that a running sum over the whole block gives
the columns back.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.abc.store import Store

from pajamo.errors import IntegrityError

KIND, VERSION = "cells-compressed", 1
ENTRY = "pajamo"
VALUES, STEPS, STARTS, LIBRARY, CHECKS, TABLES = (
    "values",
    "steps",
    "starts",
    "library_size",
    "checks",
    "tables",
)
WHOLE = (STARTS, LIBRARY, CHECKS, TABLES)
"""Arrays that are read as a whole, each with a checksum in the head."""
REBUILD = "compress the store again, or take it from a backup"

Array = NDArray[Any]
Place = str | Path | Store


@dataclass(frozen=True)
class Head:
    """What the group remembers: facts of the compressed store, cells in a block, checksums of whole arrays."""

    facts: dict[str, Any]
    block_cells: int
    checksums: dict[str, str]

    def attributes(self) -> dict[str, Any]:
        """As attributes of the group."""
        body = {"kind": KIND, "version": VERSION, **asdict(self)}
        return {ENTRY: {**body, "checksum": _checksum(body)}}

    @classmethod
    def read(cls, group: zarr.Group, where: str) -> Head:
        """Read it back.

        Raises
        ------
        IntegrityError: another kind of group, a newer version, or an altered head.
        """
        found: Any = group.attrs.asdict().get(ENTRY)
        if not isinstance(found, dict) or found.get("kind") != KIND:
            raise IntegrityError("this is not a compressed store of cells", where=where, fix="check the path")
        if int(found.get("version", 0)) > VERSION:
            raise IntegrityError(
                f"the store is of version {found['version']}, newer than this pajamo reads ({VERSION})",
                where=where,
                fix="update pajamo (pip install --upgrade pajamo)",
            )
        body = {name: value for name, value in found.items() if name != "checksum"}
        if found.get("checksum") != _checksum(body):
            raise IntegrityError("the store's head was altered", where=where, fix=REBUILD)
        return cls(found["facts"], int(found["block_cells"]), found["checksums"])


def open_group(place: Place) -> zarr.Group:
    """Open the zarr group, read-only.

    Raises
    ------
    IntegrityError: there is none.
    """
    try:
        return zarr.open_group(str(place) if isinstance(place, Path) else place, mode="r", zarr_format=3)
    except (OSError, ValueError) as error:
        raise IntegrityError(
            "there is no compressed store", where=str(place), why=str(error), fix="check the path"
        ) from error


def checksum_of(*arrays: Array) -> bytes:
    """Checksum of arrays, end to end, in 8 bytes."""
    digest = hashlib.blake2b(digest_size=8)
    for array in arrays:
        digest.update(np.ascontiguousarray(array).view(np.uint8).data)
    return digest.digest()


def _checksum(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
