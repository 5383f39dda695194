"""Finding a protein model: the folder of a run, or a folder with config.json and weights."""

from __future__ import annotations

from pathlib import Path

from pajamo.data.atomic import sha256
from pajamo.errors import ModelError
from pajamo.models.proteins.language_model import ProteinLanguageModel
from pajamo.models.proteins.saving import load_language_model
from pajamo.training.engine.devices import Choice, chosen_device


def model_folder(path: Path) -> Path:
    """The folder of weights that a path names: its own, or that of a complete run.

    Raises
    ------
    ModelError: neither is there.
    """
    for folder in (path / "model", path):
        if (folder / "config.json").is_file():
            return folder
    raise ModelError(
        "there is no protein model",
        where=str(path),
        why="a model is a folder with config.json and model.safetensors, or the folder of a run of `pajamo train`",
        fix="check the path; a run that is not finished has no model yet",
    )


def open_model(path: Path, device: Choice = "auto") -> ProteinLanguageModel:
    """Read a model onto a device, ready to be asked.

    Raises
    ------
    ModelError: no model, or a GPU is asked for where there is none.
    IntegrityError: a file is damaged.
    """
    model = load_language_model(model_folder(path)).eval()
    return model.to(chosen_device(device))


def weights_digest(path: Path) -> str:
    """Hash of all weights of a model's folder."""
    files = sorted(model_folder(path).glob("*.safetensors"))
    return ",".join(sha256(file) for file in files)
