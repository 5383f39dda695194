"""Opening a folder of arrays: nothing is read until it is asked for, and nothing can be written through it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pajamo.data.atomic import sha256
from pajamo.data.mapped.manifest import BLOCK_BYTES, ArrayEntry, Manifest, block_checksum
from pajamo.errors import IntegrityError


@dataclass(frozen=True)
class MappedFolder:
    """A folder of arrays, opened for reading.

    Attributes
    ----------
    path: of the folder.
    manifest: what it holds.
    """

    path: Path
    manifest: Manifest

    @classmethod
    def open(cls, path: Path, kind: str, version: int) -> MappedFolder:
        """Open a finished folder; takes milliseconds, whatever its size.

        Raises
        ------
        IntegrityError: not finished, another kind, newer than `version`, or a file is missing or too short.
        """
        found = cls(path, Manifest.read(path, kind, version))
        for name, entry in found.manifest.arrays.items():
            found._require_length(name, entry)
        for name in found.manifest.files:
            if not (path / name).is_file():
                raise IntegrityError(f"the file {name} is missing", where=str(path), fix=_REBUILD)
        return found

    @property
    def facts(self) -> dict[str, Any]:
        """What the kind of folder has to remember."""
        return self.manifest.facts

    def array(self, name: str) -> np.ndarray:
        """An array, mapped into memory, read-only; shape as in the manifest."""
        entry = self.manifest.arrays[name]
        if entry.bytes == 0:
            empty = np.zeros(entry.shape, dtype=entry.dtype)
            empty.flags.writeable = False
            return empty
        mapped = np.memmap(self._file(name), dtype=entry.dtype, mode="r", shape=entry.shape)
        return mapped.view(np.ndarray)

    def verify(self) -> None:
        """Read every byte and compare with the checksums.

        Raises
        ------
        IntegrityError: naming the file and the block that differ.
        """
        for name in self.manifest.arrays:
            for block in self.damaged(name):
                first = block * BLOCK_BYTES
                raise IntegrityError(
                    f"array {name!r} was altered in block {block}",
                    where=f"{self._file(name)}, bytes {first:,} to {first + BLOCK_BYTES:,}",
                    why="the bytes there do not match the checksum that was kept when they were written",
                    fix=_REBUILD,
                )
        for name, checksum in self.manifest.files.items():
            if sha256(self.path / name) != checksum:
                raise IntegrityError(
                    f"the file {name} was altered", where=str(self.path / name), fix=_REBUILD
                )

    def damaged(self, name: str) -> Iterator[int]:
        """Numbers of the blocks of an array whose bytes differ from what was written."""
        entry = self.manifest.arrays[name]
        left = entry.bytes
        with self._file(name).open("rb") as file:
            for number, checksum in enumerate(entry.checksums):
                content = file.read(min(BLOCK_BYTES, left))
                left -= len(content)
                if block_checksum(content) != checksum:
                    yield number

    def _file(self, name: str) -> Path:
        return self.path / f"{name}.bin"

    def _require_length(self, name: str, entry: ArrayEntry) -> None:
        try:
            held = self._file(name).stat().st_size
        except FileNotFoundError:
            raise IntegrityError(f"array {name!r} is missing", where=str(self.path), fix=_REBUILD) from None
        if held < entry.bytes:
            raise IntegrityError(
                f"array {name!r} is truncated: {held:,} of {entry.bytes:,} bytes are there",
                where=str(self._file(name)),
                fix=_REBUILD,
            )


_REBUILD = "build the folder again, or take it from a backup"
