"""Reading what is fragile in an HDF5 file in a process of its own, before this process dares to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pajamo.errors import IntegrityError

PATIENCE = 30.0
"""Seconds allowed for any file, in addition to one for each `BYTES_A_SECOND`."""
BYTES_A_SECOND = 20_000_000

FRAGILE = """
import sys
import h5py

def look(_, node):
    for name in node.attrs:
        node.attrs[name]
    if isinstance(node, h5py.Dataset) and node.dtype.kind == "O":
        node[()]

with h5py.File(sys.argv[1], "r") as file:
    look("/", file)
    file.visititems(look)
"""
"""Texts lie in heaps whose damage makes the HDF5 library crash or search for ever; numbers do not."""


def try_reading(path: Path) -> None:
    """Read every attribute and every text of a file in another process.

    A file on which that process stops with an error is left to the reader, which can say what is wrong.

    Raises
    ------
    IntegrityError: the process crashed, or did not come to an end.
    """
    command = [sys.executable, "-P", "-c", FRAGILE, str(path)]
    limit = PATIENCE + path.stat().st_size / BYTES_A_SECOND
    try:
        code = subprocess.run(command, capture_output=True, timeout=limit, check=False).returncode
    except subprocess.TimeoutExpired:
        raise _damaged(path, f"reading its texts did not end within {limit:.0f} seconds") from None
    if code < 0:
        raise _damaged(path, f"reading its texts crashes the HDF5 library (signal {-code})")


def _damaged(path: Path, why: str) -> IntegrityError:
    return IntegrityError(
        "the file is damaged or is not an h5ad",
        where=str(path),
        why=why,
        fix="copy or download the file again",
    )
