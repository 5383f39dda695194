"""TypiClust: density against a naive one, uncovered clusters first, and large clusters by a sample."""

import numpy as np

import pajamo.campaigns.acquisition.typiclust as module
from pajamo.campaigns.acquisition.choosing import choose_batch
from pajamo.campaigns.acquisition.typiclust import TypiClust, typicality
from pajamo.campaigns.situation import Situation


def situation(features, **more):
    return Situation(features, np.ones(len(features), dtype=bool), rng=np.random.default_rng(0), **more)


def test_typicality_is_one_over_the_mean_distance_to_the_nearest_members():
    features = np.random.default_rng(1).normal(size=(70, 3))
    members = np.arange(5, 65)
    rows, found = typicality(situation(features), members, 20)
    np.testing.assert_array_equal(rows, members)
    points = features[members]
    distance = np.sort(np.linalg.norm(points[:, None] - points, axis=2), axis=1)
    np.testing.assert_allclose(found, 1.0 / distance[:, 1:21].mean(axis=1))


def test_a_cluster_of_few_looks_at_half_of_it_and_a_lone_candidate_is_typical_of_itself():
    features = np.array([[0.0], [1.0], [3.0], [7.0]])
    found = typicality(situation(features), np.arange(4), 20)[1]
    np.testing.assert_allclose(found, 1.0 / np.array([(1 + 3) / 2, (1 + 2) / 2, (2 + 3) / 2, (4 + 6) / 2]))
    assert np.isfinite(typicality(situation(features), np.array([2]), 20)[1]).all()


def test_the_largest_clusters_without_a_measurement_come_first_each_by_its_densest_candidate():
    rng = np.random.default_rng(2)
    middles = np.array([[0.0, 0], [30, 0], [0, 30], [30, 30]])
    features = np.concatenate(
        [middles[k] + rng.normal(size=(size, 2)) for k, size in enumerate([90, 40, 60, 20])]
    )
    known = {"measured_features": middles[:1], "measured": np.zeros((1, 1))}
    found = choose_batch(TypiClust(), situation(features, **known), 3)
    # Four clusters: the first is covered, and of the others the larger ones come first.
    part = np.searchsorted([90, 130, 190], found.rows, side="right")
    assert part.tolist() == [2, 1, 3]
    np.testing.assert_array_equal(found.gains, [60, 40, 20])
    assert np.linalg.norm(features[found.rows] - middles[part], axis=1).max() < 1.5


def test_the_number_of_clusters_is_capped_and_the_batch_is_still_full():
    features = np.random.default_rng(3).normal(size=(50, 2))
    found = choose_batch(TypiClust(most_clusters=4), situation(features), 12)
    assert len(set(found.rows.tolist())) == 12
    assert (found.gains > 0).sum() == 4


def test_neighbours_in_a_sample_are_near_those_in_the_whole(monkeypatch):
    features = np.random.default_rng(4).normal(size=(600, 2))
    exact = typicality(situation(features), np.arange(600), 20)[1]
    monkeypatch.setattr(module, "REFERENCE", 300)
    sampled = typicality(situation(features), np.arange(600), 20)[1]
    assert np.corrcoef(np.log(exact), np.log(sampled))[0, 1] > 0.95


def test_where_the_cap_leaves_no_cluster_without_a_measurement_the_largest_of_those_with_fewest_are_next():
    rng = np.random.default_rng(5)
    features = np.concatenate([rng.normal(size=(40, 2)), 40 + rng.normal(size=(25, 2))])
    known = {
        "measured_features": np.array([[0.0, 0.0], [0.0, 1.0], [40.0, 40.0]]),
        "measured": np.zeros((3, 1)),
    }
    found = choose_batch(TypiClust(most_clusters=2), situation(features, **known), 2)
    np.testing.assert_array_equal(found.rows >= 40, [True, False])
    assert np.linalg.norm(features[found.rows] - [[40, 40], [0, 0]], axis=1).max() < 1.5
