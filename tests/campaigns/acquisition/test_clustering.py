"""k-means: planted clusters, centres that stand still, weights, and its objective."""

import numpy as np

from pajamo.campaigns.acquisition.clustering import cluster, sample_of


def planted(rng, centres, each=30, spread=0.05):
    centres = np.asarray(centres, dtype=float)
    points = np.repeat(centres, each, axis=0)
    return points + spread * rng.normal(size=points.shape)


def test_planted_clusters_are_found():
    rng = np.random.default_rng(0)
    truth = np.array([[0.0, 0], [5, 0], [0, 5], [5, 5]])
    found = cluster(planted(rng, truth), 4, rng)
    order = np.lexsort((np.round(found.centres[:, 0]), np.round(found.centres[:, 1])))
    np.testing.assert_allclose(found.centres[order], truth, atol=0.05)
    assert len(np.unique(found.labels.reshape(4, 30), axis=1).ravel()) == 4


def test_it_ends_where_every_centre_is_the_mean_of_its_points_and_every_point_has_its_nearest_centre():
    rng = np.random.default_rng(1)
    points = rng.normal(size=(60, 2))
    found = cluster(points, 5, rng)
    means = np.stack([points[found.labels == label].mean(axis=0) for label in range(5)])
    np.testing.assert_allclose(found.centres, means, atol=1e-10)
    squared = ((points[:, None] - found.centres) ** 2).sum(axis=2)
    np.testing.assert_array_equal(found.labels, squared.argmin(axis=1))


def test_fixed_centres_keep_their_points():
    rng = np.random.default_rng(2)
    points = planted(rng, [[0, 0], [9, 0], [0, 9]])
    found = cluster(points, 2, rng, fixed=np.array([[0.3, 0.3]]))
    assert (found.labels[:30] == 2).all()
    assert (found.labels[30:] < 2).all()
    np.testing.assert_allclose(np.sort(found.centres.max(axis=1)), [9, 9], atol=0.1)


def test_a_weight_of_two_is_a_point_twice():
    rng = np.random.default_rng(3)
    points = np.array([[0.0], [1.0], [4.0]])
    weighted = cluster(points, 1, rng, weights=np.array([2.0, 1.0, 1.0]))
    np.testing.assert_allclose(weighted.centres, [[(0 + 0 + 1 + 4) / 4]])


def test_there_are_no_more_clusters_than_different_points():
    rng = np.random.default_rng(4)
    found = cluster(np.repeat(np.eye(3), 10, axis=0), 8, rng)
    assert len(found.centres) == 3
    assert (found.squared == 0).all()


def test_single_precision_stays_single():
    rng = np.random.default_rng(5)
    assert cluster(rng.normal(size=(50, 3)).astype(np.float32), 4, rng).centres.dtype == np.float32


def test_a_sample_is_part_of_the_rows_in_their_order():
    rows = np.arange(10, 50)
    found = sample_of(rows, np.random.default_rng(6), most=7)
    assert len(found) == 7
    assert set(found) <= set(rows)
    assert (np.diff(found) > 0).all()
