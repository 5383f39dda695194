"""The masked language model: its loss is the definition's, whatever lies beside a protein in its pack."""

from __future__ import annotations

import pytest
import torch
from tests.encoders.protein_packs import FAMILIES, random_pack, small

from pajamo.data.proteins.pack import Pack
from pajamo.encoders.proteins.packed import PackedTokens
from pajamo.models.proteins.language_model import ProteinLanguageModel


def made(family="esm2", seed=0):
    model = ProteinLanguageModel(small(family))
    model.initialise(seed)
    return model


@pytest.mark.parametrize("family", FAMILIES)
def test_the_loss_sums_what_all_rows_say(family):
    model, packed = made(family), PackedTokens.of(random_pack([20, 31], share=0.3))
    loss, asked = model.loss(packed)
    rows = model.log_probabilities(packed)
    assert rows.shape == (51, 33)
    torch.testing.assert_close(loss, -rows[packed.places, packed.targets].sum())
    assert asked == len(packed.places)
    torch.testing.assert_close(model.log_probabilities(packed, packed.places), rows[packed.places])


@pytest.mark.parametrize("family", FAMILIES)
def test_every_weight_learns(family):
    model = made(family)
    model(PackedTokens.of(random_pack([20, 31], share=0.3))).backward()
    still = [name for name, weight in model.named_parameters() if not weight.grad.abs().sum() > 0]
    assert still == []


def test_an_empty_pack_costs_nothing_and_touches_every_weight():
    model = made()
    loss, asked = model.loss(PackedTokens.of(Pack.empty()))
    loss.backward()
    assert (loss.item(), asked) == (0.0, 0)
    assert all((weight.grad == 0).all() for weight in model.parameters())


def test_padding_has_no_part_in_the_loss():
    model, pack = made(), random_pack([20, 31], share=0.3)
    torch.testing.assert_close(model(PackedTokens.of(pack, tokens=300)), model(PackedTokens.of(pack)))


@pytest.mark.parametrize(("family", "rate"), [("esm2", 1e-2), ("modern", 3e-3)])
def test_a_few_steps_learn_a_protein_by_heart(family, rate):
    model, packed = made(family), PackedTokens.of(random_pack([40], share=0.3))
    optimiser = torch.optim.Adam(model.parameters(), lr=rate)
    losses = []
    for _ in range(60):
        optimiser.zero_grad()
        loss = model(packed)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]


@pytest.mark.parametrize("family", FAMILIES)
def test_bfloat16_is_close(family):
    model, packed = made(family), PackedTokens.of(random_pack([20, 31], share=0.3))
    with torch.autocast("cpu", torch.bfloat16):
        reduced = model(packed)
    assert reduced.dtype == torch.float32
    torch.testing.assert_close(reduced, model(packed), rtol=1e-2, atol=0)
