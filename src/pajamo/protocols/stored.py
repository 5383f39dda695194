"""A protocol inside the h5ad file whose cells it is about, so that it travels with them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import anndata
import h5py
from anndata.io import write_elem

from pajamo.config.protocol import ProtocolSettings
from pajamo.data.atomic import replace_file
from pajamo.data.reading.integrity import guard_hdf5, reading_errors
from pajamo.data.reading.stores import tables_of
from pajamo.errors import DataError, IntegrityError, StudyError
from pajamo.protocols.protocol import Protocol

KEY = "pajamo_protocol"
"""Entry of uns that holds the protocol as JSON text."""


def put_protocol(adata: anndata.AnnData, protocol: Protocol) -> None:
    """Note in `adata.uns` what was done to the cells; an earlier note is replaced."""
    adata.uns[KEY] = _text(protocol)


def get_protocol(adata: anndata.AnnData) -> Protocol | None:
    """What `put_protocol` noted, None if nothing.

    Raises
    ------
    IntegrityError, StudyError: the note is not one that this version of pajamo reads.
    """
    return None if KEY not in adata.uns else _read(adata.uns[KEY], f"uns[{KEY!r}]")


def write_protocol(path: str | Path, protocol: Protocol, out: str | Path) -> Path:
    """Write a copy of an h5ad file that also says what was done to its cells; the file itself stays as it is.

    Nothing of the file but this note is read or changed, so that its size does not matter.

    Raises
    ------
    DataError: `out` exists already.
    IntegrityError: `path` is truncated, damaged or hostile.
    StorageError: the disk is full or refuses; nothing is left behind.
    """
    path, out = Path(path), Path(out)
    if out.exists():
        raise DataError(
            "the new file exists already",
            where=str(out),
            why="what was recorded stays as it is",
            fix="name another file",
        )
    guard_hdf5(path)

    def write(temporary: Path) -> None:
        shutil.copyfile(path, temporary)
        with h5py.File(temporary, "r+") as file:
            if "uns" not in file:
                write_elem(file, "uns", {})
            if KEY in file["uns"]:
                del file["uns"][KEY]
            write_elem(file["uns"], KEY, _text(protocol))

    replace_file(out, write)
    return out


def read_protocol(path: str | Path) -> Protocol | None:
    """The protocol that an h5ad file or a cell store holds, None if it holds none.

    Raises
    ------
    IntegrityError: the file is truncated, damaged or hostile, or the note is not a protocol.
    StudyError: the note holds a key or a value that a protocol does not have.
    """
    path = tables_of(path)
    guard_hdf5(path)
    with reading_errors(path), h5py.File(path, "r") as file:
        note = file.get(f"uns/{KEY}")
        if note is None:
            return None
        text = note[()] if isinstance(note, h5py.Dataset) and note.shape == () else None
    return _read(text.decode("utf-8") if isinstance(text, bytes) else text, f"{path}: uns/{KEY}")


def settled(given: Protocol | None, stored: Protocol | None, where: str) -> Protocol | None:
    """The protocol to go by: that of the study, or that of the file; None if neither says anything.

    Raises
    ------
    StudyError: both say something, and not the same.
    """
    if given is None or stored is None or given == stored:
        return given or stored
    differing = [key for key in ProtocolSettings.model_fields if _differ(given, stored, key)]
    raise StudyError(
        f"the study and the file say different things of what was done to the cells: {', '.join(differing)}",
        where=f"[protocol] of the study, and uns/{KEY} of {where}",
        why="only one of them can be what was done",
        fix="leave [protocol] out to go by the file, or write a new file with the study's protocol "
        "(`pajamo protocol write`)",
    )


def _differ(one: Protocol, other: Protocol, key: str) -> bool:
    return bool(getattr(one.settings, key) != getattr(other.settings, key))


def _text(protocol: Protocol) -> str:
    return json.dumps(protocol.to_dict(), ensure_ascii=False)


def _read(text: object, where: str) -> Protocol:
    try:
        stored = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        stored = None
    if not isinstance(stored, dict):
        raise IntegrityError(
            "this is not a protocol",
            where=where,
            why="it is not the JSON text that pajamo writes",
            fix="delete it, and write the protocol into the study",
        )
    return Protocol.from_dict(stored, where)
