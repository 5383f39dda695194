"""A pack on its device: positions, bounds, the tail, and how much of a protein is hidden."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.encoders.protein_packs import random_pack

from pajamo.data.proteins.alphabet import MASK, PAD
from pajamo.data.proteins.pack import Pack
from pajamo.encoders.proteins.layout import sequence_of
from pajamo.encoders.proteins.packed import PackedTokens
from pajamo.errors import ModelError


def test_positions_begin_anew_in_each_protein():
    packed = PackedTokens.of(random_pack([4, 3, 5]))
    assert packed.positions.tolist() == [0, 1, 2, 3, 0, 1, 2, 0, 1, 2, 3, 4]
    assert packed.starts.tolist() == [0, 4, 7, 12]
    assert packed.starts.dtype == torch.int32
    assert sequence_of(packed).tolist() == [0] * 4 + [1] * 3 + [2] * 5


def test_the_tail_is_padding_in_sequences_of_its_own():
    packed = PackedTokens.of(random_pack([40, 20]), tokens=2200)
    assert packed.lengths == (40, 20, 1024, 1024, 92)
    assert packed.sequences == 2
    assert (packed.tokens[60:] == PAD).all()
    assert len(packed.tokens) == 2200


@pytest.mark.parametrize(("length", "bound"), [(5, 1024), (1024, 1024), (1025, 2048), (5000, 8192)])
def test_the_bound_on_lengths_takes_few_values(length, bound):
    assert PackedTokens.of(random_pack([3, length])).longest == bound


def test_an_exact_fit_has_no_tail():
    assert PackedTokens.of(random_pack([40, 20]), tokens=60).lengths == (40, 20)


def test_a_pack_that_is_too_large_is_refused():
    with pytest.raises(ModelError, match="60 tokens does not fit into 50"):
        PackedTokens.of(random_pack([40, 20]), tokens=50)


def test_an_empty_pack_has_no_tokens_or_only_padding():
    assert len(PackedTokens.of(Pack.empty()).tokens) == 0
    filled = PackedTokens.of(Pack.empty(), tokens=100)
    assert (filled.lengths, filled.asked, filled.sequences) == ((100,), 0, 0)


def test_the_scale_makes_up_for_hidden_residues_protein_by_protein():
    pack = random_pack([12, 30, 8], share=0.25)
    packed = PackedTokens.of(pack)
    begin = 0
    for length in pack.lengths:
        part = pack.tokens[begin : begin + length]
        expected = 0.88 / (1 - np.mean(part == MASK))
        np.testing.assert_allclose(packed.mask_scale[begin : begin + length], expected, rtol=1e-6)
        begin += length


def test_what_is_asked_for_stands_where_it_was():
    pack = random_pack([12, 30])
    packed = PackedTokens.of(pack, tokens=64)
    assert packed.asked == len(pack.places)
    assert (packed.tokens[packed.places] == MASK).all()
    assert packed.targets.tolist() == pack.targets.tolist()
