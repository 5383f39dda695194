"""Gauges of linear maps: predictions stay, means vanish, errors transform along."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pajamo.encoders.sequence.additive import AdditiveEncoder
from pajamo.encoders.sequence.network import NetworkEncoder
from pajamo.encoders.sequence.pairs import NeighbourEncoder, PairwiseEncoder
from pajamo.errors import ModelError
from pajamo.explanations.assays.gauges import LetterMap, fix_gauge, gauged_covariance, gauged_weights
from pajamo.explanations.assays.gauging import in_gauge

LENGTH = 4
KINDS = [AdditiveEncoder, NeighbourEncoder, PairwiseEncoder]


def encoder_of(kind, seed=0):
    """Random weights in float64."""
    encoder = kind(LENGTH, "ACGT").double()
    encoder.weights.data = torch.as_tensor(np.random.default_rng(seed).normal(size=encoder.features))
    return encoder


def distribution_of(name):
    """A distribution of letters at each position."""
    if name == "uniform":
        return np.full((LENGTH, 4), 0.25)
    if name == "wild-type":
        return np.eye(4)[[0, 3, 1, 2]]
    return np.random.default_rng(3).dirichlet(np.ones(4), size=LENGTH)


def every_sequence():
    return torch.cartesian_prod(*[torch.arange(4)] * LENGTH)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gauge", ["uniform", "wild-type", "random"])
def test_no_prediction_changes_and_the_constant_is_the_mean(kind, gauge):
    encoder, distribution = encoder_of(kind), distribution_of(gauge)
    before = encoder(every_sequence()).detach()
    chance = torch.as_tensor(distribution)[torch.arange(LENGTH), every_sequence()].prod(dim=1)
    encoder.weights.data = torch.as_tensor(gauged_weights(encoder, distribution))
    torch.testing.assert_close(encoder(every_sequence()).detach(), before, rtol=0, atol=1e-12)
    assert float(encoder.weights[0].detach()) == pytest.approx(float(chance @ before), abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_what_setting_letters_changes_on_average(kind):
    """The hierarchical gauge by its definition: means over sequences with one or two letters set."""
    encoder, distribution = encoder_of(kind), distribution_of("random")
    fixed = fix_gauge(LetterMap.of(encoder), distribution)
    codes = every_sequence().numpy()
    values = encoder(every_sequence()).detach().numpy()
    chance = distribution[np.arange(LENGTH), codes].prod(axis=1)
    mean = chance @ values
    for place in range(LENGTH):
        for letter in range(4):
            here = codes[:, place] == letter
            given = chance[here] @ values[here] / chance[here].sum()
            assert fixed.singles[place, letter] == pytest.approx(given - mean, abs=1e-12)
    np.testing.assert_allclose(np.einsum("pab,pa->pb", fixed.pairs, distribution[fixed.first]), 0, atol=1e-12)
    np.testing.assert_allclose(
        np.einsum("pab,pb->pa", fixed.pairs, distribution[fixed.second]), 0, atol=1e-12
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_covariance_goes_through_the_same_linear_map(kind):
    encoder, distribution = encoder_of(kind), distribution_of("random")
    root = np.random.default_rng(1).normal(size=(encoder.features, encoder.features))
    dense = fix_gauge(LetterMap.of(encoder, np.eye(encoder.features)), distribution).vector().T
    found = gauged_covariance(encoder, root @ root.T, distribution)
    np.testing.assert_allclose(found, dense @ root @ root.T @ dense.T, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(dense @ dense, dense, atol=1e-12)


@pytest.mark.parametrize("gauge", ["uniform", "wild-type", "empirical"])
def test_a_gauge_inside_a_mechanism_leaves_its_likelihood(truth, gauge):
    model, assay = truth
    changed = in_gauge(model, gauge, assay)
    before, after = (m.log_likelihood(assay.experiments[0]) for m in (model, changed))
    np.testing.assert_allclose(after, before, rtol=1e-10)
    assert not torch.equal(changed.assembly.reader("CRP").weights, model.assembly.reader("CRP").weights) or (
        gauge == "uniform"
    )


def test_users_give_their_own_gauge(truth):
    model, assay = truth
    changed = in_gauge(model, {"CRP": np.eye(4)[[1, 1, 1, 1]]}, assay)
    assert changed.assembly.reader("CRP").matrix[:, 1].abs().max() < 1e-12
    assert torch.equal(changed.assembly.reader("RNAP").weights, model.assembly.reader("RNAP").weights)


@pytest.mark.parametrize("wrong", [np.full((LENGTH, 3), 1 / 3), np.full((LENGTH, 4), 0.3), -np.eye(4)])
def test_what_is_no_distribution_is_refused(wrong):
    with pytest.raises(ModelError):
        fix_gauge(LetterMap.of(encoder_of(AdditiveEncoder)), wrong)


def test_a_black_box_has_no_gauge():
    with pytest.raises(ModelError, match="black box"):
        LetterMap.of(NetworkEncoder(LENGTH, "ACGT", (4,)))
