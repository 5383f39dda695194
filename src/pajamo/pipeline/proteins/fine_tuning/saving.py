"""A fine-tuned model on disk: an ordinary model's folder, and beside it what reads the property off.

model/             the language model, low-rank additions merged, as `pajamo train` and Hugging Face write it
property/          head.safetensors and property.json
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from pajamo.data.atomic import replace_file, storage_errors, write_json
from pajamo.errors import IntegrityError, ModelError
from pajamo.models.proteins.folder import read_json
from pajamo.models.proteins.language_model import ProteinLanguageModel
from pajamo.models.proteins.lora import merged
from pajamo.models.proteins.property import Property, PropertyModel
from pajamo.models.proteins.saving import load_language_model, save_language_model

MODEL: Final = "model"
PROPERTY: Final = "property"
FACTS: Final = "property.json"
HEAD: Final = "head.safetensors"
FORMAT: Final = 1


@dataclass(frozen=True)
class FineTuned:
    """A fine-tuned model with what its user should know of it.

    Attributes
    ----------
    model: ready to be asked.
    label: what the labels were called.
    longest: tokens, <cls> and <eos> included, of the longest protein that it could learn from.
    """

    model: PropertyModel
    label: str
    longest: int


def save_fine_tuned(tuned: FineTuned, base: ProteinLanguageModel, folder: Path) -> PropertyModel:
    """Write a fine-tuned model; it needs neither low-rank additions nor its origin any more.

    Parameters
    ----------
    base: the model that it began as; its distribution of hidden residues is kept, its encoder is not.

    Returns
    -------
    The model as it is read back.

    Raises
    ------
    StorageError: the disk refuses.
    """
    plain = merged(tuned.model)
    base.encoder = plain.encoder
    with storage_errors(folder):
        (folder / PROPERTY).mkdir(parents=True, exist_ok=True)
    save_language_model(base, folder / MODEL)
    head = {name: value.detach().cpu().contiguous() for name, value in plain.head.named_parameters()}
    replace_file(folder / PROPERTY / HEAD, lambda path: save_file(head, path))
    told = {
        "format": FORMAT,
        "property": asdict(plain.sought),
        "label": tuned.label,
        "longest": tuned.longest,
    }
    write_json(folder / PROPERTY / FACTS, told)
    return plain.eval()


def load_fine_tuned(folder: Path) -> FineTuned:
    """Read a fine-tuned model from the folder of its run.

    Raises
    ------
    ModelError: the folder holds no fine-tuned model.
    IntegrityError: a file is missing, damaged or of a newer version, or its parts do not fit together.
    """
    if not (folder / PROPERTY / FACTS).is_file():
        raise ModelError(
            "there is no fine-tuned model",
            where=str(folder),
            why=f"the folder has no {PROPERTY}/{FACTS}",
            fix="give the folder of a complete run of `pajamo fine-tune`",
        )
    facts = read_json(folder / PROPERTY / FACTS)
    if facts.get("format") != FORMAT:
        raise IntegrityError(
            f"the model is of format {facts.get('format')}; this version reads {FORMAT}",
            where=str(folder / PROPERTY / FACTS),
            fix="update pajamo",
        )
    said = facts["property"]
    sought = Property(said["kind"], tuple(said["classes"]), said["centre"], said["spread"])
    model = PropertyModel(load_language_model(folder / MODEL).encoder, sought)
    _fill(model, folder / PROPERTY / HEAD)
    return FineTuned(model.eval(), facts["label"], facts["longest"])


def _fill(model: PropertyModel, path: Path) -> None:
    """Give the linear map its weights."""
    try:
        tensors = load_file(path)
        with torch.no_grad():
            model.head.load_state_dict(tensors, strict=True)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise IntegrityError(
            "what reads the property off cannot be read, or does not fit the model",
            where=str(path),
            why=str(error),
            fix="take model/ and property/ from one run",
        ) from None
