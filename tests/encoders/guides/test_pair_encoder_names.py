"""Each encoder of guide-target pairs is built by the name that a study gives it, and by no other input's."""

from __future__ import annotations

import pytest
import torch

from pajamo.config.assays.mechanism import ReadingSettings
from pajamo.data.assays.pairs.pairing import LETTERS
from pajamo.encoders.guides.factorised import FactorisedMap
from pajamo.encoders.guides.linear import MismatchMap
from pajamo.encoders.guides.network import MismatchNetwork
from pajamo.errors import StudyError
from pajamo.models.assays.blueprint import Reader
from pajamo.models.assays.encoding import build_encoder

KINDS = {
    "additive": (MismatchMap, 1 + 6 * 10),
    "convolution": (MismatchMap, 1 + 4 * 10),
    "smooth": (MismatchMap, 1 + 2 * 10),
    "pooled": (MismatchMap, 1 + 10 * 10),
    "factorised": (FactorisedMap, 1 + 10 + 6),
    "network": (MismatchNetwork, 1 + 61 * 3 + 3 + 1),
}


def reader(name, **more):
    settings = {"encoder": name, "sd": 0.5, "kernel": 4, "knots": 2, "hidden": (3,)} | more
    return Reader(ReadingSettings.model_validate(settings), 6)


@pytest.mark.parametrize("name", KINDS)
def test_a_name_builds_its_encoder_of_pairs(name):
    encoder = build_encoder(reader(name), LETTERS)
    kind, count = KINDS[name]
    assert type(encoder) is kind
    assert sum(parameter.numel() for parameter in encoder.parameters()) == count
    assert encoder(torch.zeros(4, 6, dtype=torch.uint8)).shape == (4,)


@pytest.mark.parametrize("name", KINDS)
def test_changes_may_be_told_apart_by_both_bases(name):
    encoder = build_encoder(reader(name, changes="kind"), LETTERS)
    assert len(encoder.channels[0]) == 18


@pytest.mark.parametrize("name", ["neighbour", "pairwise"])
def test_pairs_have_no_pairs_of_letters(name):
    with pytest.raises(StudyError, match="does not read guide-target pairs") as caught:
        build_encoder(reader(name), LETTERS)
    assert "convolution" in caught.value.fix


@pytest.mark.parametrize("name", ["smooth", "pooled", "factorised"])
def test_sequences_are_not_read_by_what_tells_mismatches_apart(name):
    with pytest.raises(StudyError, match="does not read sequences") as caught:
        build_encoder(reader(name), "ACGT")
    assert "neighbour" in caught.value.fix


def test_a_network_needs_layers():
    with pytest.raises(StudyError, match="no list of layer sizes"):
        build_encoder(reader("network", hidden=()), LETTERS)
