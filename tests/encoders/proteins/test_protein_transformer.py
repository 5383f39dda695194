"""The transformer over packs: each protein is described as if it were alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.encoders.protein_packs import FAMILIES, joined, one_protein, random_pack, small
from torch.utils.checkpoint import checkpoint

from pajamo.config.proteins import ProteinModelSettings
from pajamo.data.proteins.alphabet import PAD
from pajamo.data.proteins.pack import Pack
from pajamo.encoders.proteins.initial import initialise
from pajamo.encoders.proteins.packed import PackedTokens
from pajamo.encoders.proteins.transformer import ProteinTransformer
from pajamo.errors import ModelError

LENGTHS = (33, 12, 50, 12)


def made(family="esm2", seed=0, **more):
    encoder = ProteinTransformer(small(family, **more))
    initialise(encoder, seed)
    return encoder


def proteins(lengths=LENGTHS):
    rng = np.random.default_rng(3)
    return [one_protein(length, rng, 0.2) for length in lengths]


@pytest.mark.parametrize("family", FAMILIES)
def test_packed_is_alone(family):
    together, alone = made(family), made(family)
    parts = proteins()
    found = together(PackedTokens.of(joined(parts)))
    expected = torch.cat([alone(PackedTokens.of(joined([part]))) for part in parts])
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    weights = torch.randn(found.shape, generator=torch.Generator().manual_seed(0))
    (found * weights).sum().backward()
    (expected * weights).sum().backward()
    for (name, one), other in zip(together.named_parameters(), alone.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, atol=1e-5, rtol=1e-4, msg=name)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_order_in_a_pack_does_not_matter(family):
    encoder, parts = made(family).double(), proteins()
    forward = encoder(PackedTokens.of(joined(parts))).split(list(LENGTHS))
    backward = encoder(PackedTokens.of(joined(parts[::-1]))).split(list(LENGTHS[::-1]))
    for one, other in zip(forward, backward[::-1], strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("family", FAMILIES)
def test_padding_behind_proteins_changes_nothing(family):
    encoder, pack = made(family), random_pack(LENGTHS)
    filled = encoder(PackedTokens.of(pack, tokens=160))
    torch.testing.assert_close(filled[: sum(LENGTHS)], encoder(PackedTokens.of(pack)), atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_an_empty_pack_gives_every_weight_a_gradient_of_zero(family):
    encoder = made(family)
    found = encoder(PackedTokens.of(Pack.empty()))
    assert found.shape == (0, 32)
    found.sum().backward()
    assert all((weight.grad == 0).all() for weight in encoder.parameters())


def test_what_stands_under_a_mask_is_not_seen():
    encoder, pack = made(), random_pack([30], share=0.3)
    with torch.no_grad():
        before = encoder(PackedTokens.of(pack))
        encoder.embedding.weight[32] = 7.0
        torch.testing.assert_close(encoder(PackedTokens.of(pack)), before)


def test_positions_matter_and_are_relative():
    """Turned by one place, a ring of residues reads otherwise; without any order it would not."""
    encoder = made("modern")
    pack = random_pack([30], share=0.0)
    turned = Pack(np.roll(pack.tokens, 1), pack.lengths, pack.places, pack.targets, pack.samples)
    one, other = (encoder(PackedTokens.of(each)).mean(0) for each in (pack, turned))
    assert (one - other).abs().max() > 1e-5


@pytest.mark.parametrize("family", FAMILIES)
def test_layers_are_steps_of_the_same_path(family):
    encoder, packed = made(family), PackedTokens.of(random_pack(LENGTHS))
    assert (encoder(packed, 0)[packed.tokens == PAD] == 0).all()
    torch.testing.assert_close(encoder(packed, 2), encoder(packed))
    after = encoder.norm(encoder.blocks[1](encoder(packed, 1), _layout(encoder, packed)))
    torch.testing.assert_close(after, encoder(packed))


def _layout(encoder, packed):
    from pajamo.encoders.proteins.attention import layout_of

    return layout_of(packed, encoder.head_width, torch.float32)


@pytest.mark.parametrize("layers", [-1, 3])
def test_a_layer_that_is_not_there(layers):
    with pytest.raises(ModelError, match=f"no layer {layers}"):
        made()(PackedTokens.of(random_pack([9])), layers)


@pytest.mark.parametrize("family", FAMILIES)
def test_first_weights_are_the_same_on_the_meta_device(family):
    whole = made(family, seed=5)
    with torch.device("meta"):
        empty = ProteinTransformer(small(family))
    empty.to_empty(device="cpu")
    initialise(empty, 5)
    for (name, one), other in zip(whole.named_parameters(), empty.parameters(), strict=True):
        assert torch.equal(one, other), name


def test_first_weights_depend_on_the_seed_and_not_on_the_global_one():
    state = torch.random.get_rng_state()
    encoder = made()
    before = encoder.blocks[0].attention.query.weight.clone()
    initialise(encoder, 0)
    assert torch.equal(before, encoder.blocks[0].attention.query.weight)
    initialise(encoder, 1)
    assert not torch.equal(before, encoder.blocks[0].attention.query.weight)
    assert not torch.equal(encoder.blocks[0].attention.query.weight, encoder.blocks[1].attention.query.weight)
    torch.random.set_rng_state(state)


def test_first_weights_spread_as_published():
    encoder = made("modern", layers=8, width=64)
    block = encoder.blocks[3]
    assert block.attention.query.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert block.attention.output.weight.std().item() == pytest.approx(0.02 / 4, rel=0.05)
    assert (encoder.embedding.weight[PAD] == 0).all()
    assert (encoder.norm.weight == 1).all()
    esm = made("esm2", layers=8, width=64).blocks[3]
    assert esm.attention.output.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert (esm.attention.output.bias == 0).all()


@pytest.mark.parametrize(("size", "millions"), [("8M", 7.4), ("650M", 649.4), ("15B", 15_109.4)])
def test_sizes_are_the_published_ones(size, millions):
    with torch.device("meta"):
        encoder = ProteinTransformer(ProteinModelSettings(size=size))
    assert sum(weight.numel() for weight in encoder.parameters()) / 1e6 == pytest.approx(millions, rel=0.005)


def test_the_modern_family_is_as_large():
    with torch.device("meta"):
        counts = [
            sum(weight.numel() for weight in ProteinTransformer(small(family, 4, 768, 12)).parameters())
            for family in FAMILIES
        ]
    assert counts[0] == pytest.approx(counts[1], rel=0.01)
    assert not any("bias" in name for name, _ in made("modern").named_parameters())


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")
@pytest.mark.parametrize("family", FAMILIES)
def test_blocks_can_be_compiled_and_recomputed(family):
    plain, other = made(family), made(family)
    packed = PackedTokens.of(random_pack(LENGTHS), tokens=128)
    for block in other.blocks:
        block.forward = _recomputed(block.forward)
        block.compile(backend="aot_eager")
    found, expected = other(packed), plain(packed)
    torch.testing.assert_close(found, expected)
    found.square().sum().backward()
    expected.square().sum().backward()
    for one, two in zip(other.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one.grad, two.grad)


def _recomputed(forward):
    return lambda *inputs: checkpoint(forward, *inputs, use_reentrant=False)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")
def test_code_is_compiled_once_whatever_lies_in_a_pack():
    encoder, compiled = made(), []
    for block in encoder.blocks:
        block.compile(backend=lambda module, inputs: compiled.append(1) or module.forward)
    counts = []
    for lengths in ((20, 30), (50, 9, 8), (12,), (7, 7, 7, 7, 7, 7)):
        encoder(PackedTokens.of(random_pack(lengths), tokens=128))
        counts.append(len(compiled))
    assert counts[0] > 0
    assert set(counts) == {counts[0]}
