"""ESM-2 checkpoints of Hugging Face: logits as transformers gives them, and every mismatch named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.encoders.protein_packs import random_pack, small

from pajamo.config.proteins import ProteinModelSettings
from pajamo.data.proteins.alphabet import TOKENS
from pajamo.data.proteins.pack import Pack
from pajamo.encoders.proteins.packed import PackedTokens
from pajamo.errors import IntegrityError, ModelError, PajamoWarning, StorageError
from pajamo.models.proteins.hugging_face import from_hugging_face, to_hugging_face
from pajamo.models.proteins.language_model import ProteinLanguageModel
from pajamo.models.proteins.saving import load_language_model, save_language_model

FIXTURE = Path(__file__).parent / "fixtures" / "esm2"
CONTACTS = "ignore:weights of other heads are left out:pajamo.errors.PajamoWarning"


def golden():
    """What transformers computed, and its proteins as a pack (no residue is asked for)."""
    wanted = load_file(FIXTURE / "logits.safetensors")
    lengths = wanted["attention_mask"].sum(1).numpy()
    tokens = torch.cat([row[:length] for row, length in zip(wanted["input_ids"], lengths, strict=True)])
    none = np.zeros(0, dtype=np.int64)
    pack = Pack(
        tokens.numpy().astype(np.uint8), lengths, none, none.astype(np.uint8), np.arange(len(lengths))
    )
    return wanted, PackedTokens.of(pack)


def unpadded(values, wanted):
    return values[wanted["attention_mask"].bool()]


def saved(folder, change=None, **settings):
    """An exported model whose tensors or settings were changed."""
    torch.manual_seed(0)
    model = ProteinLanguageModel(small())
    model.initialise(0)
    to_hugging_face(model, folder)
    tensors = load_file(folder / "model.safetensors")
    if change is not None:
        tensors = change(tensors)
        save_file(tensors, folder / "model.safetensors")
    told = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(told | settings))
    return model


@pytest.mark.filterwarnings(CONTACTS)
def test_logits_are_those_of_transformers():
    wanted, packed = golden()
    model = from_hugging_face(FIXTURE)
    with torch.no_grad():
        found = model.head(model.encoder(packed), model.encoder.embedding.weight)
        first = model.encoder(packed, 1)
    torch.testing.assert_close(found, unpadded(wanted["logits"], wanted), atol=1e-5, rtol=0)
    torch.testing.assert_close(first, unpadded(wanted["after_first_block"], wanted), atol=1e-5, rtol=0)


def test_what_is_left_out_is_said():
    with pytest.warns(PajamoWarning, match="contact_head.regression"):
        model = from_hugging_face(FIXTURE)
    assert all(weight.requires_grad for weight in model.parameters())


@pytest.mark.filterwarnings(CONTACTS)
def test_out_and_back_are_the_same_bits(tmp_path):
    model = from_hugging_face(FIXTURE)
    to_hugging_face(model, tmp_path)
    again = load_language_model(tmp_path)
    assert again.settings == model.settings
    for (name, one), other in zip(model.named_parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other), name
    assert (tmp_path / "vocab.txt").read_text().split() == list(TOKENS)


@pytest.mark.filterwarnings(CONTACTS)
def test_an_export_has_the_names_of_published_checkpoints(tmp_path):
    to_hugging_face(from_hugging_face(FIXTURE), tmp_path)
    written, original = (load_file(folder / "model.safetensors") for folder in (tmp_path, FIXTURE))
    modern = {name.replace("gamma", "weight").replace("beta", "bias") for name in original}
    assert {
        name for name in modern - set(written) if "inv_freq" not in name and "contact" not in name
    } == set()
    assert set(written) <= modern


def test_a_checkpoint_as_published(tmp_path):
    """Older versions wrote tables of positions, the decoder a second time, and 16 bits."""

    def change(tensors):
        decoder = tensors["esm.embeddings.word_embeddings.weight"].clone()
        more = {
            "lm_head.decoder.weight": decoder,
            "esm.embeddings.position_ids": torch.arange(1026)[None],
            "esm.embeddings.position_embeddings.weight": torch.zeros(1026, 32),
            "esm.encoder.layer.0.attention.self.rotary_embeddings.inv_freq": torch.ones(4),
        }
        return {
            name: value.half() if value.is_floating_point() else value
            for name, value in (tensors | more).items()
        }

    model = saved(tmp_path, change)
    found = from_hugging_face(tmp_path)
    assert {weight.dtype for weight in found.parameters()} == {torch.float32}
    packed = PackedTokens.of(random_pack([30]))
    torch.testing.assert_close(found(packed), model(packed), rtol=1e-3, atol=0)


def test_shards_are_put_together(tmp_path):
    model = saved(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    names = sorted(tensors)
    parts = {"one.safetensors": names[::2], "two.safetensors": names[1::2]}
    for file, held in parts.items():
        save_file({name: tensors[name] for name in held}, tmp_path / file)
    where = {name: file for file, held in parts.items() for name in held}
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": where}))
    found = from_hugging_face(tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), found.parameters(), strict=True))
    (tmp_path / "two.safetensors").unlink()
    with pytest.raises(IntegrityError, match="weights cannot be read"):
        from_hugging_face(tmp_path)


def test_shards_outside_of_the_folder_are_refused(tmp_path):
    saved(tmp_path)
    where = {"lm_head.bias": "../elsewhere.safetensors"}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": where}))
    with pytest.raises(IntegrityError, match="names no files of its folder"):
        from_hugging_face(tmp_path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: {k: v for k, v in t.items() if k != "lm_head.bias"}, "missing: lm_head.bias"),
        (lambda t: t | {"esm.extra.weight": torch.zeros(3)}, "left over: esm.extra.weight"),
        (lambda t: t | {"lm_head.bias": torch.zeros(7)}, r"shape \(7,\), not \(33,\)"),
        (lambda t: t | {"lm_head.decoder.weight": torch.zeros(33, 32)}, "differs from the embedding"),
    ],
)
def test_weights_that_do_not_fit_are_named(tmp_path, change, told):
    saved(tmp_path, change)
    with pytest.raises((IntegrityError, ModelError), match=told):
        from_hugging_face(tmp_path)


@pytest.mark.parametrize(
    "settings",
    [
        {"model_type": "bert"},
        {"position_embedding_type": "absolute"},
        {"intermediate_size": 77},
        {"token_dropout": False},
        {"rope_theta": 500.0},
        {"is_folding_model": True},
    ],
)
def test_another_architecture_is_refused(tmp_path, settings):
    saved(tmp_path, **settings)
    with pytest.raises(ModelError, match="not an ESM-2"):
        from_hugging_face(tmp_path)


def test_pickles_are_refused_with_advice(tmp_path):
    saved(tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"pickle: pytorch_model\.bin") as caught:
        from_hugging_face(tmp_path)
    assert "safetensors" in caught.value.fix


def test_a_truncated_file_is_told(tmp_path):
    saved(tmp_path)
    path = tmp_path / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(IntegrityError, match="weights cannot be read"):
        from_hugging_face(tmp_path)


def test_an_empty_folder_is_told(tmp_path):
    with pytest.raises(IntegrityError, match="cannot be read"):
        from_hugging_face(tmp_path)
    shutil.copy(FIXTURE / "config.json", tmp_path)
    with pytest.raises(IntegrityError, match=r"holds no model\.safetensors"):
        from_hugging_face(tmp_path)


def test_a_published_size_is_recognised(tmp_path):
    with torch.device("meta"):
        model = ProteinLanguageModel(ProteinModelSettings(size="8M"))
    model.to_empty(device="cpu").initialise(0)
    to_hugging_face(model, tmp_path)
    assert from_hugging_face(tmp_path).settings.size == "8M"


def test_the_modern_family_goes_its_own_way(tmp_path):
    model = ProteinLanguageModel(small("modern"))
    model.initialise(0)
    with pytest.raises(ModelError, match="no model of the family 'modern'"):
        to_hugging_face(model, tmp_path)
    save_language_model(model, tmp_path)
    again = load_language_model(tmp_path)
    packed = PackedTokens.of(random_pack([30]))
    assert torch.equal(again(packed), model(packed))


def test_a_newer_format_is_told(tmp_path):
    model = ProteinLanguageModel(small("modern"))
    save_language_model(model, tmp_path)
    told = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(told | {"format": 9}))
    with pytest.raises(IntegrityError, match="format 9"):
        load_language_model(tmp_path)
    (tmp_path / "config.json").write_text(
        json.dumps(told | {"model": small("modern", layers=3).model_dump()})
    )
    with pytest.raises(IntegrityError, match="weights are missing"):
        load_language_model(tmp_path)


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    model = saved(tmp_path)
    before = (tmp_path / "model.safetensors").read_bytes()
    monkeypatch.setattr("pajamo.models.proteins.hugging_face.save_file", _full)
    with pytest.raises(StorageError, match="disk is full"):
        to_hugging_face(model, tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == before


def _full(*arguments, **more):
    raise OSError(28, "No space left on device")
