"""Features of pairs: symmetric to the last bit, and each what its name says."""

from __future__ import annotations

import numpy as np
import pytest

from pajamo.encoders.pair import LINEAR, N_BASIS, N_CONTEXT, Profiles, encode_pairs, pair_summary
from pajamo.encoders.programmes import wiener_filter


@pytest.fixture
def profiles():
    rng = np.random.default_rng(0)
    effects = rng.normal(size=(6, 9))
    effects[0, 0], effects[1, 0] = 0.7, -0.7  # an exact tie
    scale = rng.uniform(0.5, 1.0, 9)
    return Profiles(effects, 0.8 * effects, rng.normal(2, 1, 9), rng.normal(2, 1, 9), scale, scale / 6)


PAIRS = np.array([[0, 1], [2, 4], [3, 5]])


def test_features_are_exactly_symmetric(profiles):
    one = encode_pairs(profiles, PAIRS, (-9.0, 9.0))
    other = encode_pairs(profiles, PAIRS[:, ::-1], (-9.0, 9.0))
    for name in ("linear", "context", "basis"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    np.testing.assert_array_equal(pair_summary(profiles, PAIRS), pair_summary(profiles, PAIRS[:, ::-1]))


def test_shapes_and_the_first_inputs(profiles):
    features = encode_pairs(profiles, PAIRS, (-9.0, 9.0))
    assert features.linear.shape == (3, 9, len(LINEAR))
    assert features.context.shape == (3, 9, N_CONTEXT)
    assert features.basis.shape == (3, 9, N_BASIS)
    total = profiles.effects[PAIRS].sum(axis=1)
    np.testing.assert_array_equal(features.linear[..., 0], total)
    np.testing.assert_allclose(features.linear[..., 1], 0.8 * total)
    # The three first terms of the basis make up the whole sum.
    np.testing.assert_allclose(features.basis[..., :3].sum(axis=-1), total, atol=1e-12)


def test_the_weaker_effect_is_split_by_sign(profiles):
    profiles.effects[2, :3], profiles.effects[4, :3] = [1.0, -0.2, 0.5], [0.4, 3.0, 0.0]
    linear = encode_pairs(profiles, PAIRS[1:2], (-9.0, 9.0)).linear[0]
    np.testing.assert_allclose(linear[:3, LINEAR.index("weaker effect, same sign")], [0.4, 0.0, 0.0])
    np.testing.assert_allclose(linear[:3, LINEAR.index("weaker effect, opposite sign")], [0.0, -0.2, 0.0])


def test_some_genes_are_encoded_as_among_all(profiles):
    genes = np.array([4, 1])
    some, every = (encode_pairs(profiles, PAIRS, (-9.0, 9.0), g) for g in (genes, slice(None)))
    np.testing.assert_array_equal(some.linear, every.linear[:, genes])
    np.testing.assert_array_equal(some.context, every.context[:, genes])


def test_strength_is_not_extrapolated(profiles):
    column = [name.startswith("log strength") for name in LINEAR].index(True)
    clipped = encode_pairs(profiles, PAIRS, (-1.0, -1.0)).linear
    np.testing.assert_allclose(clipped[..., column], -clipped[..., 1])


def test_wiener_filter_keeps_programmes_and_drops_noise():
    rng = np.random.default_rng(1)
    programmes = rng.normal(size=(60, 3)) @ rng.normal(size=(3, 200))
    noisy = programmes + rng.normal(size=(60, 200)) * 1.5
    filtered = wiener_filter(noisy, np.zeros((0, 200)), np.ones(200), 1 / 1.5**2)
    errors = [np.square(x - programmes).mean() for x in (noisy, filtered)]
    assert errors[1] < 0.25 * errors[0]


def test_wiener_filter_of_pure_noise_is_the_mean():
    noise = np.random.default_rng(2).normal(size=(50, 80)) * 0.99
    filtered = wiener_filter(noise, np.zeros((0, 80)), np.ones(80), 1 / 1.2**2)
    np.testing.assert_allclose(filtered, np.repeat(noise.mean(axis=0)[None], 50, axis=0), atol=1e-12)


def test_wiener_filter_is_the_identity_without_noise():
    effects = np.random.default_rng(3).normal(size=(5, 40))
    np.testing.assert_allclose(wiener_filter(effects, effects[:2], np.ones(40), 1e9), effects, atol=1e-4)
