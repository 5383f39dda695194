"""LCMD against the algorithm written out, and the two spaces it works in."""

import numpy as np
import pytest

from pajamo.campaigns.acquisition.choosing import choose_batch
from pajamo.campaigns.acquisition.core_set import CoreSet
from pajamo.campaigns.acquisition.lcmd import LargestClusterMaximumDistance
from pajamo.campaigns.features import PairFeatures
from pajamo.campaigns.predictive import FactorPredictive
from pajamo.campaigns.situation import Situation


def naive(features, centres, number):
    centres, rows = [*centres], []
    for _ in range(number):
        squared = ((features[:, None] - np.array(centres)) ** 2).sum(axis=2)
        label, near = squared.argmin(axis=1), squared.min(axis=1)
        sizes = [near[label == one].sum() for one in range(len(centres))]
        rows.append(int(np.argmax(np.where(label == np.argmax(sizes), near, -1.0))))
        centres.append(features[rows[-1]])
    return rows


def test_it_is_the_algorithm_written_out():
    rng = np.random.default_rng(0)
    features, seen = rng.normal(size=(120, 3)), rng.normal(size=(6, 3))
    found = choose_batch(
        LargestClusterMaximumDistance(),
        Situation(features, np.ones(120, dtype=bool), measured_features=seen, measured=np.zeros((6, 1))),
        25,
    )
    assert found.rows.tolist() == naive(features, seen, 25)


def test_a_dense_part_of_the_pool_comes_before_a_single_outlier():
    rng = np.random.default_rng(1)
    dense = np.array([4.0, 0.0]) + 0.8 * rng.normal(size=(300, 2))
    features = np.concatenate([0.1 * rng.normal(size=(50, 2)), dense, [[0.0, -9.0]]])
    known = {"measured_features": np.array([[0.0, 0.0], [0.0, -4.0]]), "measured": np.zeros((2, 1))}
    given = Situation(features, np.ones(351, dtype=bool), **known)
    assert choose_batch(CoreSet(), given, 1).rows[0] in range(50, 351)
    assert choose_batch(LargestClusterMaximumDistance(), given, 2).rows.tolist() != [350]
    assert 350 not in choose_batch(LargestClusterMaximumDistance(), given, 4).rows


def test_before_there_is_a_centre_the_largest_is_first():
    features = np.array([[1.0, 0], [0, 3.0], [0.5, 0.5]])
    found = choose_batch(LargestClusterMaximumDistance(), Situation(features, np.ones(3, dtype=bool)), 2)
    assert found.rows[0] == 1
    assert found.gains[0] == pytest.approx(3.0)


def test_in_the_posteriors_space_the_first_is_the_most_unsure_and_what_is_known_is_the_origin():
    factor = np.random.default_rng(2).normal(size=(50, 5))
    predictive = FactorPredictive(np.zeros(50), factor)
    found = choose_batch(
        LargestClusterMaximumDistance("posterior"),
        Situation(np.zeros((50, 2)), np.ones(50, dtype=bool), predictive),
        12,
    )
    np.testing.assert_allclose(found.scores, predictive.deviation[:, 0])
    assert found.rows.tolist() == naive(factor, np.zeros((1, 5)), 12)


def test_pairs_made_on_demand_are_as_good_as_pairs_in_memory():
    singles = np.random.default_rng(3).normal(size=(30, 4))
    pairs = PairFeatures(singles, np.stack(np.triu_indices(30, 1), axis=1), how="sum and product")
    known = {"measured_features": np.zeros((1, 8)), "measured": np.zeros((1, 1))}
    lazy, held = (
        choose_batch(LargestClusterMaximumDistance(), Situation(each, np.ones(435, dtype=bool), **known), 20)
        for each in (pairs, pairs[slice(0, 435)])
    )
    np.testing.assert_array_equal(lazy.rows, held.rows)
