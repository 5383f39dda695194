"""Each encoder is built by the name that a study gives it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pajamo.config.assays.reading import ReadingSettings
from pajamo.encoders.sequence.additive import AdditiveEncoder
from pajamo.encoders.sequence.convolution import ConvolutionEncoder
from pajamo.encoders.sequence.encoder import LEVEL
from pajamo.encoders.sequence.network import NetworkEncoder
from pajamo.encoders.sequence.pairs import NeighbourEncoder, PairwiseEncoder
from pajamo.errors import StudyError
from pajamo.models.assays.blueprint import Reader
from pajamo.models.assays.encoding import build_encoder

KINDS = {
    "additive": AdditiveEncoder,
    "neighbour": NeighbourEncoder,
    "pairwise": PairwiseEncoder,
    "network": NetworkEncoder,
    "convolution": ConvolutionEncoder,
}
MATRIX = np.arange(12.0).reshape(3, 4)


def reader(name, matrix=None, **more):
    return Reader(ReadingSettings.model_validate({"encoder": name, "sd": 0.5} | more), 3, matrix)


@pytest.mark.parametrize("name", KINDS)
def test_a_name_builds_its_encoder(name):
    encoder = build_encoder(reader(name), "ACGT")
    assert type(encoder) is KINDS[name]
    assert encoder(torch.tensor([[0, 1, 2], [3, 4, 4]])).shape == (2,)


@pytest.mark.parametrize("name", ["additive", "neighbour", "pairwise"])
def test_prior_matrix_and_width_reach_linear_maps(name):
    encoder = build_encoder(reader(name, MATRIX), "ACGT")
    np.testing.assert_allclose(encoder.matrix.detach(), MATRIX)
    assert encoder.penalty().item() == 0
    assert (encoder.prior_sd[1:] == 0.5).all()
    assert encoder.prior_sd[0] == 0.5 * LEVEL  # the constant sums what the letters of a site share


@pytest.mark.parametrize("name", ["network", "convolution"])
def test_hidden_sizes_and_width_reach_black_boxes(name):
    encoder = build_encoder(reader(name, hidden=(7, 4)), "ACGT")
    assert encoder.head.last.weight.shape[1:] == (4, 1)
    assert encoder.head.last.sd == 0.5 / 2.0


@pytest.mark.parametrize("name", ["network", "convolution"])
def test_a_black_box_has_no_prior_matrix_and_needs_layers(name):
    with pytest.raises(StudyError, match="prior energy matrix"):
        build_encoder(reader(name, MATRIX), "ACGT")
    for hidden in ((), (4, 0)):
        with pytest.raises(StudyError, match="layer sizes"):
            build_encoder(reader(name, hidden=hidden), "ACGT")
