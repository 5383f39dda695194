"""Properties read off an encoder: planted ones are learned, and a saved model answers as before."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from tests.encoders.protein_packs import FAMILIES, random_pack, small

from pajamo.config.proteins.fine_tuning import LoraSettings
from pajamo.data.proteins.alphabet import RESIDUE_TOKENS
from pajamo.data.proteins.encoding import tokens_of
from pajamo.data.proteins.pack import Pack
from pajamo.encoders.proteins.initial import initialise
from pajamo.encoders.proteins.packed import PackedTokens
from pajamo.encoders.proteins.transformer import ProteinTransformer
from pajamo.errors import IntegrityError
from pajamo.models.proteins.lora import adapt
from pajamo.models.proteins.predicting import predict_properties
from pajamo.models.proteins.property import Labelled, Property, PropertyModel
from pajamo.models.proteins.saving import load_language_model, load_property_model, save_property_model

LENGTHS = (12, 30, 21, 8)
LORA = LoraSettings(rank=4)


def made(sought, family="esm2", lora=LORA):
    encoder = ProteinTransformer(small(family))
    initialise(encoder, 0)
    if lora is not None:
        adapt(encoder, lora)
    model = PropertyModel(encoder, sought)
    model.initialise(1)
    return model


def labelled(kind):
    """Proteins whose share of the first ten amino acids is to be told, or which of its halves a residue is of."""
    pack = random_pack(LENGTHS, share=0.0)
    first = np.isin(pack.tokens, RESIDUE_TOKENS[:10])
    if kind == "residues":
        places = np.flatnonzero(np.isin(pack.tokens, RESIDUE_TOKENS))
        asked = Pack(pack.tokens, pack.lengths, places, pack.tokens[places], pack.samples)
        return Labelled(PackedTokens.of(asked), torch.from_numpy(first[places].astype(np.int64)))
    shares = np.array([part[1:-1].mean() for part in np.split(first, np.cumsum(LENGTHS)[:-1])])
    labels = torch.from_numpy(shares).float()
    classes = torch.from_numpy((shares > np.median(shares)).astype(np.int64))
    return Labelled(PackedTokens.of(pack), labels if kind == "regression" else classes)


def sought(kind):
    return Property("regression", (), 0.5, 0.2) if kind == "regression" else Property(kind, ("no", "yes"))


@pytest.mark.parametrize("kind", ["regression", "classification", "residues"])
def test_what_is_planted_is_learned_and_the_base_stays(kind):
    model, data = made(sought(kind)), labelled(kind)
    base = {name: weight.clone() for name, weight in model.named_parameters() if not weight.requires_grad}
    optimiser = torch.optim.Adam((w for w in model.parameters() if w.requires_grad), lr=1e-2)
    losses = []
    for _ in range(80):
        optimiser.zero_grad()
        loss = model(data)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
    found = model.predict(data.packed)
    if kind == "regression":
        assert (found - data.labels).abs().max() < 0.1
    else:
        assert (found.argmax(-1) == data.labels).float().mean() > 0.95
        torch.testing.assert_close(found.sum(-1), torch.ones(len(found)))
    assert all(torch.equal(dict(model.named_parameters())[name], weight) for name, weight in base.items())


def test_the_loss_is_in_units_of_the_spread():
    model, data = made(sought("regression")), labelled("regression")
    with torch.no_grad():
        model.head.weight.zero_()
        model.head.bias.zero_()
    expected = 0.5 * (((data.labels - 0.5) / 0.2) ** 2).sum()
    torch.testing.assert_close(model(data), expected)
    torch.testing.assert_close(model.predict(data.packed), torch.full((4,), 0.5))


def test_first_values_leave_the_encoder_as_it_was():
    plain = made(sought("regression"), lora=None)
    original = ProteinTransformer(small())
    initialise(original, 0)
    for (name, one), other in zip(plain.encoder.named_parameters(), original.parameters(), strict=True):
        assert torch.equal(one, other), name
    assert all(weight.requires_grad for weight in plain.parameters())


@pytest.mark.parametrize(
    ("kind", "shapes"),
    [("regression", [()] * 3), ("classification", [(2,)] * 3), ("residues", [(4, 2), (1, 2), (7, 2)])],
)
@pytest.mark.parametrize("budget", [1, 12, 8192])
def test_predictions_come_in_the_order_of_proteins(kind, shapes, budget):
    model = made(sought(kind))
    proteins = [tokens_of(text) for text in ("MKVA", "W", "GGSGGLL")]
    found = list(predict_properties(model, proteins, budget=budget))
    assert [one.shape for one in found] == shapes
    for tokens, one in zip(proteins, found, strict=True):
        np.testing.assert_allclose(next(predict_properties(model, [tokens])), one, atol=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", ["regression", "residues"])
def test_a_saved_model_answers_as_before(tmp_path, kind, family):
    model, data = made(sought(kind), family), labelled(kind)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith(".up"):
                weight.fill_(0.1)
    save_property_model(model, tmp_path)
    again = load_property_model(tmp_path)
    assert again.sought == model.sought
    torch.testing.assert_close(again.predict(data.packed), model.predict(data.packed), atol=1e-5, rtol=1e-5)


def test_a_fine_tuned_model_is_no_language_model(tmp_path):
    save_property_model(made(sought("regression")), tmp_path)
    with pytest.raises(IntegrityError, match="model of type 'pajamo-protein-property'"):
        load_language_model(tmp_path)
    told = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(told | {"format": 2}))
    with pytest.raises(IntegrityError, match="format 2"):
        load_property_model(tmp_path)
