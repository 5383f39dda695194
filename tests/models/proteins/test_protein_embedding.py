"""Descriptions of proteins and residues: means and rows of what one protein alone would give."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.encoders.protein_packs import random_pack, small

from pajamo.data.proteins.encoding import tokens_of
from pajamo.encoders.proteins.packed import PackedTokens
from pajamo.errors import ModelError
from pajamo.models.proteins.embedding import embed_proteins, embed_residues, mean_of_residues
from pajamo.models.proteins.language_model import ProteinLanguageModel
from pajamo.models.proteins.packing import Shown, enclosed, in_packs

PROTEINS = [tokens_of(text) for text in ("MKTAYIAKQR", "W", "GGGSGGGS", "MKTAYIAKQR", "LLPAAKT" * 5)]


@pytest.fixture(scope="module")
def model():
    made = ProteinLanguageModel(small())
    made.initialise(0)
    return made


@pytest.mark.parametrize("layers", [None, 0, 1])
@pytest.mark.parametrize("budget", [1, 25, 8192])
def test_residues_are_those_of_a_protein_alone(model, layers, budget):
    found = list(embed_residues(model, PROTEINS, layers=layers, budget=budget))
    for tokens, rows in zip(PROTEINS, found, strict=True):
        (pack,) = in_packs([Shown(enclosed(tokens))])
        alone = model.embeddings(PackedTokens.of(pack), layers)[1:-1]
        assert rows.shape == (len(tokens), 32)
        np.testing.assert_allclose(rows, alone, atol=1e-6)


@pytest.mark.parametrize("budget", [1, 25, 8192])
def test_a_protein_is_the_mean_of_its_residues(model, budget):
    found = np.concatenate(list(embed_proteins(model, PROTEINS, budget=budget)))
    expected = [rows.mean(0) for rows in embed_residues(model, PROTEINS)]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(found[0], found[3], atol=1e-6)


def test_padding_is_no_protein():
    packed = PackedTokens.of(random_pack([10, 7]), tokens=40)
    hidden = torch.arange(40.0)[:, None]
    assert mean_of_residues(hidden, packed).squeeze(1).tolist() == [4.5, 13.0]


def test_packs_hold_what_fits_in_the_order_in_which_it_came():
    shown = [Shown(np.zeros(length, dtype=np.uint8), [length - 1]) for length in (5, 4, 9, 1, 30, 2)]
    packs = list(in_packs(shown, budget=10))
    assert [pack.lengths.tolist() for pack in packs] == [[5, 4], [9, 1], [30], [2]]
    assert [pack.samples.tolist() for pack in packs] == [[0, 1], [2, 3], [4], [5]]
    assert packs[1].places.tolist() == [8, 9]


def test_nothing_to_describe(model):
    assert list(in_packs([])) == []
    assert list(embed_proteins(model, [])) == []


def test_a_layer_that_is_not_there(model):
    with pytest.raises(ModelError, match="no layer 7"):
        list(embed_residues(model, PROTEINS, layers=7))
