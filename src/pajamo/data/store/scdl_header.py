"""The header of an SCDL archive, BioNeMo's format of single cells: which arrays there are, their types and lengths.

Source: schema of SCDL 0.1.0 (NVIDIA, 2025), section on `header.sch`: big-endian, a core of 16 bytes, then one entry
an array, then one an index of features (which says nothing that the tables themselves do not).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from pajamo.errors import IntegrityError

HEADER = "header.sch"
MAGIC, BIG_ENDIAN, MAPPED = b"SCDL", 1, 1
TYPES: Final[Mapping[int, str]] = {
    1: "uint8",
    2: "uint16",
    3: "uint32",
    4: "uint64",
    5: "float16",
    6: "float32",
    7: "float64",
}
FILES: Final[Mapping[str, str]] = {"DATA": "data.npy", "ROWPTR": "row_ptr.npy", "COLPTR": "col_ptr.npy"}
"""File of each array. They bear numpy's suffix, but are bare numbers without its header."""


@dataclass(frozen=True)
class ArrayInfo:
    """Type and number of entries of an array, as the header has them."""

    dtype: str
    length: int


def is_scdl(folder: Path) -> bool:
    """Whether a folder is an SCDL archive."""
    return (folder / HEADER).is_file()


def read_header(folder: Path) -> dict[str, ArrayInfo]:
    """Read which arrays an archive has, by name (DATA, ROWPTR, COLPTR and others).

    Raises
    ------
    IntegrityError: no header, another format, a newer version, or a header that ends too early.
    """
    path = folder / HEADER
    try:
        content = path.read_bytes()
    except OSError as error:
        raise IntegrityError(
            "this is not an SCDL archive: it has no header",
            where=str(path),
            why=str(error),
            fix="give the folder that holds header.sch",
        ) from error
    try:
        return _parsed(content, path)
    except (struct.error, UnicodeDecodeError, KeyError) as error:
        raise IntegrityError(
            "the header of the archive is damaged", where=str(path), why=str(error), fix=_AGAIN
        ) from error


def mapped_arrays(folder: Path) -> dict[str, np.ndarray]:
    """The values, row pointers and column numbers of an archive, mapped read-only.

    Raises
    ------
    IntegrityError: a file is missing, or is not as long as the header says. BioNeMo 0.1.3 leaves the old header in
        place when an archive that was opened again is cast to another type or concatenated, and then reads other
        values than were written without an error.
    """
    infos = read_header(folder)
    found = {}
    for name, file in FILES.items():
        if name not in infos:
            raise IntegrityError(f"the archive has no array {name}", where=str(folder / HEADER), fix=_AGAIN)
        _require_length(folder / file, infos[name])
        found[name] = _mapped(folder / file, infos[name])
    return found


def _parsed(content: bytes, path: Path) -> dict[str, ArrayInfo]:
    magic, *version, order, backend, count = struct.unpack_from(">4s4BII", content)
    if magic != MAGIC or order != BIG_ENDIAN or backend != MAPPED:
        raise IntegrityError("this is not the header of an SCDL archive", where=str(path), fix=_AGAIN)
    if tuple(version[:2]) > (0, 1):
        raise IntegrityError(
            f"the archive is of SCDL version {'.'.join(map(str, version))}, newer than this pajamo reads (0.1)",
            where=str(path),
            fix="update pajamo, or export the archive to h5ad with the program that wrote it",
        )
    found, at = {}, struct.calcsize(">4s4BII")
    for _ in range(count):
        name, info, at = _entry(content, at)
        found[name] = info
    return found


def _entry(content: bytes, at: int) -> tuple[str, ArrayInfo, int]:
    (size,) = struct.unpack_from(">I", content, at)
    (name,) = struct.unpack_from(f">{size}s", content, at + 4)
    length, kind, shaped = struct.unpack_from(">QIB", content, at + 4 + size)
    at += 4 + size + struct.calcsize(">QIB")
    if shaped:
        (dimensions,) = struct.unpack_from(">I", content, at)
        at += 4 * (1 + dimensions)
    return name.decode("utf-8"), ArrayInfo(TYPES[kind], length), at


def _require_length(path: Path, info: ArrayInfo) -> None:
    held = path.stat().st_size if path.is_file() else 0
    if held != info.length * np.dtype(info.dtype).itemsize:
        raise IntegrityError(
            f"{path.name} holds {held:,} bytes, but the header says {info.length:,} values of {info.dtype}",
            where=str(path),
            why="BioNeMo 0.1.3 keeps the old header when an archive is cast to another type or concatenated: its "
            "values would be read as other numbers",
            fix=_AGAIN,
        )


def _mapped(path: Path, info: ArrayInfo) -> np.ndarray:
    if info.length == 0:
        return np.zeros(0, dtype=info.dtype)
    return np.memmap(path, dtype=np.dtype(info.dtype).newbyteorder("<"), mode="r").view(np.ndarray)


_AGAIN = "write the archive again from the files that it was made from"
