"""Transfers on disk: one safetensors file that also carries declarations and calibration."""

from __future__ import annotations

from pathlib import Path

from pajamo._version import __version__
from pajamo.errors import IntegrityError
from pajamo.models.transfer.model import TransferModel
from pajamo.models.transfer.saved import facts, restore, state
from pajamo.training.checkpoints import read_state, write_state

KIND = "transfer"
FORMAT = 2


def save_transfer(model: TransferModel, path: str | Path) -> None:
    """Write a transfer atomically, as one file without any code.

    Raises
    ------
    StorageError: the disk refuses; an earlier file at `path` still stands.
    """
    held = {"kind": KIND, "format": FORMAT, "pajamo": __version__, **facts(model)}
    write_state(Path(path), state(model), held)


def load_transfer(path: str | Path) -> TransferModel:
    """Read a transfer; its predictions are, bit for bit, those of the one that was saved.

    Raises
    ------
    IntegrityError: the file is missing, damaged, of another kind, or of a newer version of pajamo.
    """
    arrays, held = read_state(Path(path))
    if held.get("kind") != KIND or held.get("format") != FORMAT:
        raise IntegrityError(
            f"the file is no transfer of format {FORMAT}",
            where=str(path),
            why=f"it holds: {held.get('kind', 'something else')}, format {held.get('format')}, "
            f"written by pajamo {held.get('pajamo')}",
            fix="read models of assays with load_assay_model; fit a transfer of an older format again",
        )
    return restore(arrays, held, str(path))
