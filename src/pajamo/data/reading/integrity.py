"""What an HDF5 file may not do, checked before anything else looks into it.

HDF5 follows links into other files, reads raw values from any path that a file names, and reserves
memory for whatever size a file declares. A screen that someone sent needs none of this.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pajamo.errors import DataError, IntegrityError, PajamoError

MOST_OBJECTS = 100_000
"""Most groups and datasets of a file; an h5ad has a few hundred."""
LARGEST_RATIO = 1200
"""Most bytes declared for each byte stored; gzip cannot reach more than 1,032."""
SMALL = 1 << 20
"""Datasets of up to this many bytes may be stored as their fill value alone."""

REWRITE = "read it with anndata where it came from and write it again: adata.write_h5ad(...)"
FETCH_AGAIN = "copy or download the file again"


def guard_hdf5(path: str | Path) -> None:
    """Walk a file's tree and refuse what could reach outside the file or exhaust the memory.

    Raises
    ------
    DataError: there is no such file, or it may not be read.
    IntegrityError: not HDF5; truncated; links or virtual datasets; values stored in other files; a
        group that contains itself; datasets declared far larger than what is stored.
    """
    path = Path(path)
    _require_readable(path)
    if not h5py.is_hdf5(path):
        raise IntegrityError(
            "this is not an h5ad file",
            where=str(path),
            why="the file is empty" if path.stat().st_size == 0 else "it does not begin as HDF5 files do",
            fix="give a file written by anndata (adata.write_h5ad), or copy it again if it was one",
        )
    with reading_errors(path), h5py.File(path, "r") as file:
        _walk(path, file)


@contextmanager
def reading_errors(path: Path) -> Iterator[None]:
    """Turn whatever HDF5 or anndata say about a damaged file into an IntegrityError that names the file."""
    try:
        yield
    except PajamoError:
        raise
    # A damaged file can make the libraries below fail in any way, so no list of errors would be complete.
    except Exception as error:
        text = " ".join(str(error).split()) or type(error).__name__
        raise IntegrityError(
            "the file is truncated" if "truncated" in text else "the file is damaged or is not an h5ad",
            where=str(path),
            why=text[:300],
            fix=_remedy(text),
        ) from error


def _remedy(text: str) -> str:
    if "filter" in text or "plugin" in text:
        return (
            "it may be compressed in a way that is not installed here; write it again with compression='gzip'"
        )
    if "IOSpec" in text or "encoding" in text:
        return f"it may have been written by a newer anndata: update anndata, or {REWRITE}"
    return FETCH_AGAIN


def _require_readable(path: Path) -> None:
    if not path.exists():
        raise DataError("there is no such file", where=str(path), fix="check the path")
    if not path.is_file():
        raise DataError(
            "this is a folder, not an h5ad file", where=str(path), fix="give the path of the file itself"
        )
    try:
        path.open("rb").close()
    except OSError as error:
        raise DataError(
            "the file may not be read", where=str(path), why=str(error), fix="check its permissions"
        ) from None


def _walk(path: Path, file: h5py.File) -> None:
    seen = {h5py.h5o.get_info(file.id).addr}
    waiting: list[h5py.Group] = [file]
    objects = 0
    while waiting:
        group = waiting.pop()
        for name in group:
            objects += 1
            where = f"{path}: {group.name.rstrip('/')}/{name}"
            _require(objects <= MOST_OBJECTS, where, f"it has more than {MOST_OBJECTS} entries")
            child = _followed(group, name, where)
            if isinstance(child, h5py.Group):
                address = h5py.h5o.get_info(child.id).addr
                _require(address not in seen, where, "a group is listed twice, or contains itself")
                seen.add(address)
                waiting.append(child)


def _followed(group: h5py.Group, name: str, where: str) -> object:
    link = group.get(name, getlink=True)
    _require(isinstance(link, h5py.HardLink), where, "it is a link, which could lead into another file")
    child = group[name]
    for number in range(h5py.h5a.get_num_attrs(child.id)):
        _require_plain_type(h5py.h5a.open(child.id, index=number).dtype, where)
    if isinstance(child, h5py.Dataset):
        _require_plain_type(child.dtype, where)
        _require(not child.is_virtual, where, "it is a virtual dataset, made of other files")
        _require(child.external is None, where, "its values are stored in another file")
        _require_plausible_size(child, where)
    return child


def _require_plain_type(dtype: np.dtype[Any], where: str) -> None:
    """A flipped bit turns text into lists of variable length, reading which crashes the interpreter."""
    kinds = [dtype, *(dtype[name] for name in dtype.names or ())]
    plain = all(h5py.check_vlen_dtype(kind) in (None, str, bytes) for kind in kinds)
    _require(plain, where, "it is of a type (lists of variable length) that anndata never writes")


def _require_plausible_size(dataset: h5py.Dataset, where: str) -> None:
    declared = (dataset.size or 0) * dataset.dtype.itemsize
    stored = int(dataset.id.get_storage_size())
    _require(
        declared <= SMALL + LARGEST_RATIO * stored,
        where,
        f"it declares {declared:,} bytes but stores {stored:,}: reading it would exhaust the memory",
    )


def _require(condition: bool, where: str, why: str) -> None:
    if not condition:
        raise IntegrityError("this file will not be read", where=where, why=why, fix=REWRITE)
