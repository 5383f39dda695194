"""What stands in the manifest of a checkpoint: which piece of which array is in which file, and the files' hashes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from pajamo.errors import IntegrityError

NAME = "manifest.json"
FORMAT = 1


@dataclass(frozen=True)
class Chunk:
    """A piece of an array: where it begins in the whole, how large it is, and the file that holds it."""

    offsets: tuple[int, ...]
    sizes: tuple[int, ...]
    file: str


@dataclass(frozen=True)
class Stored:
    """An array and its pieces."""

    dtype: str
    shape: tuple[int, ...]
    chunks: tuple[Chunk, ...]

    @property
    def torch_dtype(self) -> torch.dtype:
        """The type of its elements."""
        found: torch.dtype = getattr(torch, self.dtype)
        return found


@dataclass(frozen=True)
class PartFile:
    """What one process wrote."""

    name: str
    bytes: int
    blake2b: str


@dataclass(frozen=True)
class Manifest:
    """Everything that a checkpoint holds besides arrays.

    Attributes
    ----------
    arrays: by name.
    parts: one file a process.
    facts: step, position in the data, counters; JSON values.
    """

    arrays: dict[str, Stored]
    parts: tuple[PartFile, ...]
    facts: dict[str, Any]

    def write(self, folder: Path) -> None:
        """Write and flush; the folder's rename makes it count."""
        body = {"format": FORMAT, **asdict(self)}
        with (folder / NAME).open("w", encoding="utf-8") as file:
            json.dump({**body, "checksum": _checksum(body)}, file, allow_nan=False)
            file.flush()
            os.fsync(file.fileno())

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read a checkpoint's manifest.

        Raises
        ------
        IntegrityError: missing, truncated, altered, or of a newer pajamo.
        """
        try:
            body: dict[str, Any] = json.loads((folder / NAME).read_text(encoding="utf-8"))
            checksum = body.pop("checksum")
            if checksum != _checksum(body):
                raise ValueError("it does not match its own checksum")
            if body["format"] > FORMAT:
                raise ValueError(f"it is of format {body['format']}; this pajamo reads {FORMAT}")
            arrays = {name: _stored(one) for name, one in body["arrays"].items()}
            return cls(arrays, tuple(PartFile(**one) for one in body["parts"]), body["facts"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise _damaged(folder / NAME, str(error)) from error


def verify_parts(folder: Path, parts: Sequence[PartFile]) -> None:
    """Check files against their hashes.

    Raises
    ------
    IntegrityError: a file is missing, truncated or altered.
    """
    for part in parts:
        path = folder / part.name
        try:
            found = part_file(path)
        except OSError as error:
            raise _damaged(path, str(error)) from error
        if found != part:
            raise _damaged(
                path, f"{found.bytes} bytes with hash {found.blake2b[:12]}, not {part.bytes} with its own"
            )


def part_file(path: Path) -> PartFile:
    """Size and hash of a file as it is now."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    return PartFile(path.name, path.stat().st_size, digest)


def _stored(one: dict[str, Any]) -> Stored:
    chunks = tuple(Chunk(tuple(c["offsets"]), tuple(c["sizes"]), c["file"]) for c in one["chunks"])
    if any(Path(chunk.file).name != chunk.file for chunk in chunks):
        raise ValueError("it names a file outside of its folder")
    return Stored(one["dtype"], tuple(one["shape"]), chunks)


def _damaged(path: Path, why: str) -> IntegrityError:
    return IntegrityError(
        "a checkpoint is damaged",
        where=str(path),
        why=why,
        fix="delete its folder: training then goes on from the one before",
    )


def _checksum(body: dict[str, Any]) -> str:
    text = json.dumps(body, sort_keys=True, allow_nan=False)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
