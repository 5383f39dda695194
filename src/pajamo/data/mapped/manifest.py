"""What stands in the manifest of a folder of arrays. It is written last: without it there is no folder."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pajamo.data.atomic import write_json
from pajamo.errors import IntegrityError

NAME = "manifest.json"
BLOCK_BYTES = 1 << 22
"""Bytes that share a checksum: an altered byte is placed to within 4 MiB."""


@dataclass(frozen=True)
class ArrayEntry:
    """One array of the folder: its file is named after it and holds nothing but its bytes, row after row.

    Attributes
    ----------
    dtype: little-endian numpy type, as "<u2".
    shape: rows first; bytes of the file beyond it were left by a write that did not end, and do not count.
    checksums: BLAKE2b (8 bytes, hexadecimal) of each block of `BLOCK_BYTES`, the last one shorter.
    """

    dtype: str
    shape: tuple[int, ...]
    checksums: tuple[str, ...] = ()

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return int(np.dtype(self.dtype).itemsize * np.prod(self.shape[1:], dtype=np.int64))

    @property
    def bytes(self) -> int:
        """Bytes of the whole array."""
        return self.shape[0] * self.row_bytes


@dataclass(frozen=True)
class Manifest:
    """What a folder holds.

    Attributes
    ----------
    kind: what it is ("cells", "proteins", ...).
    version: of the kind's format; a reader refuses a newer one.
    arrays: by name.
    files: other files of the folder (tables) with their sha256.
    facts: whatever the kind has to remember; JSON values.
    """

    kind: str
    version: int
    arrays: dict[str, ArrayEntry]
    files: dict[str, str]
    facts: dict[str, Any]

    def write(self, folder: Path) -> None:
        """Put the manifest in its place, atomically: from then on the folder is as it says.

        Raises
        ------
        StorageError: the disk refuses; the folder is as it was.
        """
        body = asdict(self)
        write_json(folder / NAME, {**body, "checksum": _checksum(body)})

    @classmethod
    def read(cls, folder: Path, kind: str, version: int) -> Manifest:
        """Read the manifest of a folder of this kind.

        Raises
        ------
        IntegrityError: no folder, no manifest (a write that did not end), an altered one, another kind, or a newer
            version than this one.
        """
        found = _parsed(folder, kind)
        if found.get("kind") != kind:
            raise IntegrityError(
                f"this holds {found.get('kind')!r}, not {kind!r}",
                where=str(folder),
                fix=f"give a folder of {kind}",
            )
        if int(found.get("version", 0)) > version:
            raise IntegrityError(
                f"the folder is of version {found['version']}, newer than this pajamo reads ({version})",
                where=str(folder),
                fix="update pajamo (pip install --upgrade pajamo)",
            )
        arrays = {
            name: ArrayEntry(entry["dtype"], tuple(entry["shape"]), tuple(entry["checksums"]))
            for name, entry in found["arrays"].items()
        }
        return cls(kind, int(found["version"]), arrays, dict(found["files"]), dict(found["facts"]))

    def with_facts(self, facts: dict[str, Any]) -> Manifest:
        """The same folder, other facts."""
        return replace(self, facts=facts)


def block_checksum(content: bytes | bytearray) -> str:
    """Checksum of the bytes of one block."""
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def _parsed(folder: Path, kind: str) -> dict[str, Any]:
    path = folder / NAME
    try:
        body: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        checksum = body.pop("checksum")
        valid = checksum == _checksum(body)
    except FileNotFoundError:
        known = folder.is_dir()
        raise IntegrityError(
            "the folder has no manifest: it was never finished, or is of another program"
            if known
            else f"there is no such folder of {kind}",
            where=str(folder),
            fix="delete it and build it again" if known else "check the path",
        ) from None
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise IntegrityError(
            "the manifest cannot be read",
            where=str(path),
            why=str(error),
            fix="build the folder again, or take it from a backup",
        ) from error
    if not valid:
        raise IntegrityError(
            "the manifest was altered: it does not match its own checksum",
            where=str(path),
            fix="build the folder again, or take it from a backup",
        )
    return body


def _checksum(body: dict[str, Any]) -> str:
    text = json.dumps(body, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
