"""k-means as a batch: one candidate of each planted part, and none near what is known."""

import numpy as np

from pajamo.campaigns.acquisition.choosing import choose_batch
from pajamo.campaigns.acquisition.k_means import KMeans
from pajamo.campaigns.situation import Situation


def test_one_candidate_of_each_part_that_nothing_measured_stands_for_larger_parts_first():
    rng = np.random.default_rng(0)
    middles = np.array([[0.0, 0], [20, 0], [0, 20], [20, 20]])
    sizes = [50, 20, 40, 30]
    features = np.concatenate([middles[k] + 0.3 * rng.normal(size=(size, 2)) for k, size in enumerate(sizes)])
    given = Situation(
        features,
        np.ones(140, dtype=bool),
        measured_features=middles[:1] + 0.2,
        measured=np.zeros((1, 1)),
        rng=np.random.default_rng(1),
    )
    found = choose_batch(KMeans(), given, 3)
    assert np.searchsorted([50, 70, 110], found.rows, side="right").tolist() == [2, 3, 1]
    np.testing.assert_array_equal(found.gains, [40, 30, 20])
    for row, label in zip(found.rows, [2, 3, 1], strict=True):
        part = features[np.searchsorted([50, 70, 110], np.arange(140), side="right") == label]
        away = np.linalg.norm(part - part.mean(axis=0), axis=1)
        assert np.linalg.norm(features[row] - part.mean(axis=0)) == away.min()


def test_a_batch_is_nearer_to_the_pool_than_a_random_one():
    rng = np.random.default_rng(2)
    features = rng.normal(size=(300, 3))
    given = Situation(features, np.ones(300, dtype=bool), rng=rng)

    def squared(rows):
        return ((features[:, None] - features[rows]) ** 2).sum(axis=2).min(axis=1).mean()

    random = [squared(rng.choice(300, 15, replace=False)) for _ in range(40)]
    assert squared(choose_batch(KMeans(), given, 15).rows) < min(random)
