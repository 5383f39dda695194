"""Protein models on disk: Hugging Face's format for ESM-2, the same files under pajamo's own names for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, TypeVar

import torch
from safetensors.torch import save_file
from torch import nn

from pajamo.config.proteins import ProteinModelSettings
from pajamo.config.strict import parse
from pajamo.data.atomic import replace_file, write_json
from pajamo.encoders.proteins.transformer import ProteinTransformer
from pajamo.errors import IntegrityError, shorten
from pajamo.models.proteins.folder import WEIGHTS, read_json, read_tensors
from pajamo.models.proteins.hugging_face import from_hugging_face, to_hugging_face
from pajamo.models.proteins.language_model import ProteinLanguageModel
from pajamo.models.proteins.lora import merged
from pajamo.models.proteins.property import Property, PropertyModel

KIND: Final = "pajamo-protein"
"""`model_type` of families that transformers does not know."""
PROPERTY: Final = "pajamo-protein-property"
FORMAT: Final = 1
Module = TypeVar("Module", bound=nn.Module)


def save_language_model(model: ProteinLanguageModel, folder: str | Path) -> None:
    """Write a model as a folder: an ESM-2 as transformers reads it, any other with pajamo's names.

    Raises
    ------
    StorageError: the disk refuses.
    """
    if model.settings.family == "esm2":
        to_hugging_face(model, folder)
    else:
        _write(model, model.settings, {"model_type": KIND}, Path(folder))


def load_language_model(folder: str | Path) -> ProteinLanguageModel:
    """Read a model's folder, in either form.

    Raises
    ------
    IntegrityError: a file is missing, damaged or of a newer version, or weights and config.json do not fit.
    ModelError: the checkpoint is of another architecture, or a pickle.
    """
    folder = Path(folder)
    facts = read_json(folder / "config.json")
    if facts.get("model_type") not in (KIND, PROPERTY):
        return from_hugging_face(folder)
    settings = _settings(facts, KIND, folder)
    with torch.device("meta"):
        model = ProteinLanguageModel(settings)
    return _filled(model, folder)


def save_property_model(model: PropertyModel, folder: str | Path) -> None:
    """Write a fine-tuned model whole, low-rank additions merged: it needs neither them nor its origin any more.

    Raises
    ------
    StorageError: the disk refuses.
    """
    facts = {"model_type": PROPERTY, "property": asdict(model.sought)}
    _write(merged(model), model.encoder.settings, facts, Path(folder))


def load_property_model(folder: str | Path) -> PropertyModel:
    """Read a fine-tuned model.

    Raises
    ------
    IntegrityError: a file is missing, damaged, no fine-tuned model or of a newer version, or weights do not fit.
    """
    folder = Path(folder)
    facts = read_json(folder / "config.json")
    settings = _settings(facts, PROPERTY, folder)
    told = facts["property"]
    sought = Property(told["kind"], tuple(told["classes"]), told["centre"], told["spread"])
    with torch.device("meta"):
        model = PropertyModel(ProteinTransformer(settings), sought)
    return _filled(model, folder)


def _write(model: nn.Module, settings: ProteinModelSettings, facts: Mapping[str, Any], folder: Path) -> None:
    state = {name: value.detach().cpu().contiguous() for name, value in model.named_parameters()}
    replace_file(folder / WEIGHTS, lambda path: save_file(state, path))
    told = {"format": FORMAT, "model": settings.model_dump(mode="json")}
    write_json(folder / "config.json", {**facts, **told})


def _settings(facts: Mapping[str, Any], kind: str, folder: Path) -> ProteinModelSettings:
    where = str(folder / "config.json")
    if facts.get("model_type") != kind:
        raise IntegrityError(
            f"the folder holds a model of type {facts.get('model_type')!r}, not {kind!r}",
            where=where,
            fix="a language model and a fine-tuned one are read by different functions",
        )
    if facts.get("format") != FORMAT:
        raise IntegrityError(
            f"the model is of format {facts.get('format')}; this version reads {FORMAT}",
            where=where,
            fix="update pajamo",
        )
    return parse(ProteinModelSettings, facts.get("model", {}), where)


def _filled(model: Module, folder: Path) -> Module:
    """A model that was made without memory, with the weights of a folder."""
    tensors = read_tensors(folder)
    wanted = {name: parameter.shape for name, parameter in model.named_parameters()}
    wrong = sorted(
        name
        for name in wanted.keys() | tensors.keys()
        if name not in tensors or tensors[name].shape != wanted.get(name)
    )
    if wrong:
        raise IntegrityError(
            f"weights are missing, left over or of another shape: {shorten(wrong)}",
            where=str(folder),
            fix="weights and config.json are of two models; take both from one folder",
        )
    model.load_state_dict(tensors, assign=True)
    return model.requires_grad_(True)
