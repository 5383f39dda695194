"""Writing a folder of arrays: until it is finished there is none, and an append that breaks changes nothing."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np

from pajamo.data.atomic import TEMPORARY, flush, sha256, storage_errors
from pajamo.data.mapped.manifest import BLOCK_BYTES, ArrayEntry, Manifest, block_checksum
from pajamo.errors import DataError, StorageError

LOCK = ".writing"


class MappedWriter:
    """Fills a folder of arrays; used as a context, and nothing stands there unless `commit` was called.

    A new folder grows beside its place and is renamed into it. An append writes behind the rows that count and then
    replaces the manifest: readers that are open keep seeing the old rows.

    Parameters
    ----------
    path: of the folder.
    kind, version: see `Manifest`.
    append: go on with an existing folder instead of making a new one.

    Raises
    ------
    DataError: the folder exists already (new), or another process writes it.
    IntegrityError: `append` to a folder that is not finished or of another kind.
    StorageError: the disk is full or refuses.
    """

    def __init__(self, path: Path, kind: str, version: int, *, append: bool = False) -> None:
        self.path, self.kind, self.version, self.append = path, kind, version, append
        self._before = Manifest.read(path, kind, version) if append else None
        if not append and path.exists():
            raise DataError(
                "the folder exists already",
                where=str(path),
                fix="give another name, delete it first, or append to it",
            )
        self.folder = path if append else path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY}")
        self._arrays: dict[str, _Growing] = {}
        self._files: dict[str, str] = dict(self._before.files) if self._before else {}
        self._done = False

    def __enter__(self) -> Self:
        with storage_errors(self.path):
            if self.append:
                self._lock = _lock(self.path)
                # Another process may have appended before the lock was had.
                self._before = Manifest.read(self.path, self.kind, self.version)
            else:
                self.folder.mkdir(parents=True)
        return self

    def __exit__(self, *_: object) -> None:
        for array in self._arrays.values():
            array.close()
        if self.append:
            self._lock.close()
        elif not self._done:
            shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, name: str, values: np.ndarray, dtype: str | None = None) -> None:
        """Add rows to an array; the first call says its type and the shape of its rows.

        Raises
        ------
        DataError: values that the array's type cannot hold without change.
        StorageError: the disk is full or refuses.
        """
        if name not in self._arrays:
            self._arrays[name] = self._open(name, values, dtype)
        with storage_errors(self.path / f"{name}.bin"):
            self._arrays[name].add(values)

    def rows(self, name: str) -> int:
        """Rows that an array has so far."""
        if name in self._arrays:
            return self._arrays[name].shape[0]
        return self._before.arrays[name].shape[0] if self._before else 0

    @contextmanager
    def file(self, name: str) -> Iterator[Path]:
        """A path at which a further file of the folder may be written; it counts from the next `commit` on.

        In an append give it a new name: readers may have the old one open.
        """
        path = self.folder / name
        with storage_errors(path):
            yield path
            flush(path)
        self._files[name] = sha256(path)

    def drop_file(self, name: str) -> None:
        """A file no longer counts; its bytes stay until the folder is deleted, for readers that have it open."""
        del self._files[name]

    def commit(self, facts: dict[str, Any]) -> None:
        """Finish: flush all bytes, then write the manifest; only now is the folder (or the append) there.

        Raises
        ------
        StorageError: the disk refuses; what stood there before still stands.
        """
        arrays = dict(self._before.arrays) if self._before else {}
        with storage_errors(self.path):
            for name, array in self._arrays.items():
                arrays[name] = array.finish()
        Manifest(self.kind, self.version, arrays, self._files, facts).write(self.folder)
        if not self.append:
            with storage_errors(self.path):
                if self.path.exists():
                    raise StorageError(
                        "another process made the folder in the meantime",
                        where=str(self.path),
                        fix="use it, or give another name",
                    )
                os.replace(self.folder, self.path)
                flush(self.path.parent)
        self._done = True

    def _open(self, name: str, values: np.ndarray, dtype: str | None) -> _Growing:
        kind = np.dtype(dtype or values.dtype).newbyteorder("<").str
        entry = ArrayEntry(kind, (0, *values.shape[1:]))
        if self._before is not None and name in self._before.arrays:
            entry = self._before.arrays[name]
        return _Growing(self.folder / f"{name}.bin", name, entry)


class _Growing:
    """An array that grows at its end, with the checksums of its blocks."""

    def __init__(self, path: Path, name: str, entry: ArrayEntry) -> None:
        self.name, self.shape, self.dtype = name, entry.shape, np.dtype(entry.dtype)
        path.touch()
        self._file: BinaryIO = path.open("r+b")
        # What an append that broke has left behind the rows that count is cut off.
        self._file.truncate(entry.bytes)
        whole = entry.bytes // BLOCK_BYTES
        self._checksums = list(entry.checksums[:whole])
        self._file.seek(whole * BLOCK_BYTES)
        self._block = bytearray(self._file.read())
        self._file.seek(entry.bytes)

    def add(self, values: np.ndarray) -> None:
        if values.shape[1:] != self.shape[1:]:
            raise ValueError(f"{self.name}: rows of shape {values.shape[1:]}, not {self.shape[1:]}")
        content = memoryview(self._fitting(values).reshape(-1).view(np.uint8).data)
        self._file.write(content)
        self.shape = (self.shape[0] + len(values), *self.shape[1:])
        for first in range(0, len(content), BLOCK_BYTES):
            self._keep(content[first : first + BLOCK_BYTES])

    def finish(self) -> ArrayEntry:
        self._file.flush()
        os.fsync(self._file.fileno())
        last = [block_checksum(self._block)] if self._block else []
        return ArrayEntry(self.dtype.str, self.shape, (*self._checksums, *last))

    def close(self) -> None:
        self._file.close()

    def _keep(self, content: memoryview) -> None:
        space = BLOCK_BYTES - len(self._block)
        self._block += content[:space]
        if len(self._block) == BLOCK_BYTES:
            self._checksums.append(block_checksum(self._block))
            self._block = bytearray(content[space:])

    def _fitting(self, values: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", over="ignore"):
            cast = np.ascontiguousarray(values, dtype=self.dtype)
        if cast.dtype != values.dtype and not np.array_equal(cast, values):
            wrong = int(np.flatnonzero((cast != values).reshape(-1))[0])
            raise DataError(
                f"the value {values.reshape(-1)[wrong]} does not fit into {self.dtype}",
                where=f"array {self.name!r}, row {self.shape[0] + wrong // max(values[:1].size, 1)}",
                why="it would be stored as another number",
                fix="choose a wider type",
            )
        return cast


def _lock(path: Path) -> BinaryIO:
    """Hold the folder for this process; the operating system lets go when the process ends, however it ends."""
    file = (path / LOCK).open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise DataError(
            "another process is writing this folder",
            where=str(path),
            fix="wait until it has finished, then run the same command again",
        ) from None
    return file
