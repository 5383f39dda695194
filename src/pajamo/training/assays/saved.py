"""Fitted models of assays on disk: one safetensors file that also carries names, units and the state table."""

from __future__ import annotations

from pathlib import Path

from pajamo._version import __version__
from pajamo.data.assays.assay import Assay
from pajamo.errors import IntegrityError
from pajamo.models.assays.frame import Frame
from pajamo.models.assays.model import AssayModel
from pajamo.models.assays.saved import facts, restore, state
from pajamo.training.checkpoints import read_state, write_state

KIND = "assay model"
FORMAT = 1


def save_assay_model(model: AssayModel, assay: Assay, path: str | Path) -> None:
    """Write a fitted model atomically, as one file without any code.

    Parameters
    ----------
    model: fitted.
    assay: the assay that it was fitted to, or a part of it; gives letters, length and wild type.
    path: safetensors file.

    Raises
    ------
    ModelError: the model is not fitted.
    StorageError: the disk refuses; an earlier file at `path` still stands.
    """
    held = {"kind": KIND, "format": FORMAT, "pajamo": __version__, **facts(model, Frame.of(assay))}
    write_state(Path(path), state(model), held)


def load_assay_model(path: str | Path) -> AssayModel:
    """Read a fitted model; its predictions are, bit for bit, those of the one that was saved.

    Raises
    ------
    IntegrityError: the file is missing, damaged, of another kind, or of a newer version of pajamo.
    """
    arrays, held = read_state(Path(path))
    if held.get("kind") != KIND:
        raise IntegrityError(
            "the file is no model of an assay",
            where=str(path),
            fix="read models of perturbation screens with pajamo.training.saved.load_model",
        )
    if held.get("format") != FORMAT:
        raise IntegrityError(
            f"the model file has format {held.get('format')}, this version reads format {FORMAT}",
            where=str(path),
            fix=f"it was written by pajamo {held.get('pajamo')}; install that version or a newer one",
        )
    return restore(arrays, held, str(path))
