"""ESM-2 models in Hugging Face's format, both ways: a folder with config.json, vocab.txt and model.safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import save_file
from torch import Tensor

from pajamo.config.proteins import SIZES, ProteinModelSettings
from pajamo.data.atomic import replace_file, write_json, write_text
from pajamo.data.proteins.alphabet import EOS, MASK, PAD, TOKENS
from pajamo.encoders.proteins.rotary import BASE
from pajamo.errors import IntegrityError, ModelError, shorten, warn
from pajamo.models.proteins import hugging_face_names as names
from pajamo.models.proteins.folder import read_json, read_tensors
from pajamo.models.proteins.language_model import ProteinLanguageModel

REQUIRED: Final = {
    "model_type": "esm",
    "vocab_size": len(TOKENS),
    "position_embedding_type": "rotary",
    "token_dropout": True,
    "emb_layer_norm_before": False,
    "pad_token_id": PAD,
    "mask_token_id": MASK,
    "layer_norm_eps": 1e-5,
}
"""What makes an ESM an ESM-2; another value would be another function of the same weights."""


def from_hugging_face(folder: str | Path) -> ProteinLanguageModel:
    """Read an ESM-2 checkpoint; weights become 32-bit whatever they were stored in.

    The heads for contacts and for pooling are left out, and said so; tables of positions, which a rotary model
    computes, are left out.

    Parameters
    ----------
    folder: with config.json and model.safetensors, the latter whole or in shards with their index.

    Raises
    ------
    IntegrityError: a file is missing or damaged, or weights are missing, left over, or of another shape.
    ModelError: the checkpoint is of another architecture, or a pickle.
    """
    folder = Path(folder)
    settings = _settings(read_json(folder / "config.json"), folder)
    tensors = _whole(read_tensors(folder), folder)
    with torch.device("meta"):
        model = ProteinLanguageModel(settings)
    wanted = {names.name_there(name): name for name, _ in model.named_parameters()}
    _complain(wanted, tensors, folder)
    state = {ours: tensors[theirs].to(torch.float32) for theirs, ours in wanted.items()}
    _check_shapes(model, state, folder)
    model.load_state_dict(state, assign=True)
    return model.requires_grad_(True)


def to_hugging_face(model: ProteinLanguageModel, folder: str | Path) -> None:
    """Write an ESM-2 so that `EsmForMaskedLM.from_pretrained(folder)` of transformers gives equal logits.

    The head for contacts, which was never trained, is not written.

    Raises
    ------
    ModelError: the model is of another family, which transformers does not know.
    StorageError: the disk refuses.
    """
    if model.settings.family != "esm2":
        raise ModelError(
            f"transformers has no model of the family {model.settings.family!r}",
            fix="save it with save_language_model; only the family esm2 can be exported",
        )
    folder = Path(folder)
    state = {
        names.name_there(name): value.detach().cpu().contiguous() for name, value in model.named_parameters()
    }
    replace_file(folder / "model.safetensors", lambda path: save_file(state, path, metadata={"format": "pt"}))
    write_text(folder / "vocab.txt", "\n".join(TOKENS) + "\n")
    write_json(folder / "config.json", _configuration(model.settings))


def _settings(found: Mapping[str, Any], folder: Path) -> ProteinModelSettings:
    wrong = {key: found.get(key) for key, value in REQUIRED.items() if found.get(key) != value}
    layers, width, heads = (
        found.get(key) for key in ("num_hidden_layers", "hidden_size", "num_attention_heads")
    )
    if wrong or not _is_plain(found, width or 0):
        raise ModelError(
            "the checkpoint is not an ESM-2",
            where=str(folder / "config.json"),
            why=f"it says {wrong}" if wrong else "its feed-forward network, rotation or task is another",
            fix="only ESM-2 checkpoints (esm2_t6_8M_UR50D and larger) can be imported",
        )
    size = next((name for name, shape in SIZES.items() if shape == (layers, width, heads)), None)
    if size is not None:
        return ProteinModelSettings(size=size)
    return ProteinModelSettings(layers=layers, width=width, heads=heads)


def _is_plain(found: Mapping[str, Any], width: int) -> bool:
    """Whether what most checkpoints leave unsaid is as in ESM-2."""
    return (
        found.get("intermediate_size") == 4 * width
        and found.get("hidden_act", "gelu") == "gelu"
        and found.get("rope_theta", BASE) == BASE
        and not found.get("is_folding_model", False)
    )


def _whole(tensors: dict[str, Tensor], folder: Path) -> dict[str, Tensor]:
    """Tensors by their names in a whole model, without tables that follow from others."""
    known = {names.known_as(name): value for name, value in tensors.items()}
    decoder = known.get(names.DECODER)
    if decoder is not None and not torch.equal(decoder, known.get(names.EMBEDDING, decoder)):
        raise ModelError(
            f"{names.DECODER} differs from the embedding",
            where=str(folder),
            why="an ESM-2 reads and predicts tokens with one matrix",
        )
    return {name: value for name, value in known.items() if not names.DERIVED.search(name)}


def _complain(wanted: Mapping[str, str], tensors: Mapping[str, Tensor], folder: Path) -> None:
    other = sorted(name for name in tensors if names.OTHER_HEADS.search(name))
    missing = sorted(set(wanted) - set(tensors))
    left = sorted(set(tensors) - set(wanted) - set(other))
    if missing or left:
        named = {"missing": missing, "left over": left}
        raise IntegrityError(
            "the checkpoint's weights are not those of its config.json",
            where=str(folder),
            why="; ".join(f"{what}: {shorten(which)}" for what, which in named.items() if which),
            fix="take the checkpoint of the masked language model (EsmForMaskedLM) and its own config.json",
        )
    if other:
        warn(f"weights of other heads are left out: {shorten(other)} ({folder})")


def _check_shapes(model: ProteinLanguageModel, state: Mapping[str, Tensor], folder: Path) -> None:
    for name, parameter in model.named_parameters():
        if state[name].shape != parameter.shape:
            raise IntegrityError(
                f"{names.name_there(name)} has shape {tuple(state[name].shape)}, not {tuple(parameter.shape)}",
                where=str(folder),
                fix="the weights and config.json are of two models; take both from one checkpoint",
            )


def _configuration(settings: ProteinModelSettings) -> dict[str, Any]:
    layers, width, heads = settings.shape
    return REQUIRED | {
        "architectures": ["EsmForMaskedLM"],
        "num_hidden_layers": layers,
        "hidden_size": width,
        "num_attention_heads": heads,
        "intermediate_size": 4 * width,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "max_position_embeddings": 1026,
        "cls_token_id": 0,
        "eos_token_id": EOS,
        "tie_word_embeddings": True,
        "torch_dtype": "float32",
    }
