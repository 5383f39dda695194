"""Low-rank additions: nothing changes at first, the base never, and merging changes no answer."""

from __future__ import annotations

import pytest
import torch
from tests.encoders.protein_packs import FAMILIES, random_pack, small

from pajamo.config.proteins.fine_tuning import LoraSettings
from pajamo.encoders.proteins.initial import initialise
from pajamo.encoders.proteins.packed import PackedTokens
from pajamo.encoders.proteins.transformer import ProteinTransformer
from pajamo.errors import ModelError
from pajamo.models.proteins.lora import LowRank, adapt, merged

PACKED = PackedTokens.of(random_pack([20, 13]))


def made(family="esm2"):
    encoder = ProteinTransformer(small(family))
    initialise(encoder, 0)
    return encoder


def wandering(encoder, seed=1):
    """Additions as training might leave them."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for part in encoder.modules():
            if isinstance(part, LowRank):
                part.up.normal_(0, 0.3, generator=generator)
                part.down.normal_(0, 0.3, generator=generator)
    return encoder


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_changes_at_first(family):
    encoder = made(family)
    before = encoder(PACKED)
    names = adapt(encoder, LoraSettings(on=("query", "value", "outer")))
    assert names == [
        f"{block}.{part}"
        for block in (0, 1)
        for part in ("attention.query", "attention.value", "feed_forward.outer")
    ]
    assert torch.equal(encoder(PACKED), before)


def test_only_additions_learn():
    encoder = made()
    before = {name: weight.clone() for name, weight in encoder.named_parameters()}
    adapt(encoder, LoraSettings(rank=4))
    wandering(encoder)
    learning = [name for name, weight in encoder.named_parameters() if weight.requires_grad]
    assert len(learning) == 2 * 2 * 2
    assert all(name.endswith((".up", ".down")) for name in learning)
    optimiser = torch.optim.Adam((w for w in encoder.parameters() if w.requires_grad), lr=0.1)
    encoder(PACKED).square().sum().backward()
    optimiser.step()
    for name, weight in encoder.named_parameters():
        original = before.get(name.replace(".base.", "."))
        assert original is None or torch.equal(weight, original), name


@pytest.mark.parametrize("family", FAMILIES)
def test_merged_gives_the_same_answers(family):
    encoder = made(family).double()
    adapt(encoder, LoraSettings(rank=3, alpha=5.0, on=("query", "key", "inner")))
    wandering(encoder)
    plain = merged(encoder)
    assert {name for name, _ in plain.named_parameters()} == {
        name for name, _ in made(family).named_parameters()
    }
    assert all(weight.requires_grad for weight in plain.parameters())
    torch.testing.assert_close(plain(PACKED), encoder(PACKED))
    assert any(isinstance(part, LowRank) for part in encoder.modules())


def test_an_addition_is_the_product_of_its_matrices():
    base = torch.nn.Linear(6, 4).double()
    part = wandering(LowRank(base, rank=2, alpha=3.0))
    values = torch.randn(5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = base(values) + 1.5 * values @ part.down.T @ part.up.T
    torch.testing.assert_close(part(values), expected)


def test_additions_are_not_added_twice():
    encoder = made()
    adapt(encoder, LoraSettings())
    with pytest.raises(ModelError, match="additions already"):
        adapt(encoder, LoraSettings())
