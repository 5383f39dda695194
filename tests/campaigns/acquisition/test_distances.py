"""Distances by block against written-out differences, and lazy coverage against doing all of it each time."""

import numpy as np
import pytest

from pajamo.campaigns.acquisition.distances import (
    Coverage,
    centre_of,
    floating,
    nearest_centre,
    squared_distances,
)
from pajamo.campaigns.features import PairFeatures


def naive(points, centres):
    return ((points[:, None].astype(float) - centres[None]) ** 2).sum(axis=2)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_squared_distances_are_those_of_differences(kind):
    rng = np.random.default_rng(0)
    points, centres = rng.normal(size=(50, 7)).astype(kind), rng.normal(size=(9, 7)).astype(kind)
    np.testing.assert_allclose(
        squared_distances(points, centres), naive(points, centres), rtol=2e-5 if kind == np.float32 else 1e-12
    )


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_equal_candidates_are_at_distance_zero_even_far_from_the_origin(kind):
    rng = np.random.default_rng(1)
    points = (1000.0 + rng.normal(size=(40, 64))).astype(kind)
    assert (np.diag(squared_distances(points, points.copy())) == 0).all()


def test_nearest_centre_is_the_first_of_the_nearest_over_many_pieces():
    rng = np.random.default_rng(2)
    points, centres = rng.normal(size=(100, 3)), rng.normal(size=(700, 3))
    centres[650] = centres[3]
    label, squared = nearest_centre(points, centres)
    found = naive(points, centres)
    np.testing.assert_array_equal(label, found.argmin(axis=1))
    np.testing.assert_allclose(squared, found.min(axis=1), rtol=1e-9, atol=1e-12)


def test_centre_is_the_mean_and_whole_numbers_become_floating_ones():
    counts = np.arange(12).reshape(4, 3)
    np.testing.assert_allclose(centre_of(counts), counts.mean(axis=0))
    assert floating(counts).dtype == float
    held = np.zeros((2, 2), dtype=np.float32)
    assert floating(held) is held


@pytest.mark.parametrize("block", [3, 16, 200])
def test_lazy_coverage_chooses_what_full_updates_choose(block):
    rng = np.random.default_rng(3)
    points, seen = rng.normal(size=(90, 4)), rng.normal(size=(5, 4))
    available = rng.random(90) < 0.8
    cover = Coverage(points, seen, available, block=block)
    left = naive(points, seen).min(axis=1)
    for _ in range(20):
        expected = int(np.argmax(np.where(available, left, -np.inf)))
        row = cover.farthest()
        assert row == expected
        assert cover.squared[row] == pytest.approx(left[row])
        cover.add(row)
        available[row] = False
        left = np.minimum(left, naive(points, points[[row]])[:, 0])
    cover.refresh()
    np.testing.assert_allclose(cover.squared, left, atol=1e-10)


class Counted:
    """Features that count how many rows are asked for at once, and how many in all."""

    def __init__(self, features):
        self.features, self.most, self.total = features, 0, 0

    @property
    def shape(self):
        return self.features.shape

    def __getitem__(self, rows):
        found = self.features[rows]
        self.most, self.total = max(self.most, len(found)), self.total + len(found)
        return found


def test_coverage_asks_for_one_block_at_a_time_and_not_for_all_each_time():
    rng = np.random.default_rng(4)
    singles = rng.normal(size=(60, 5))
    pairs = Counted(PairFeatures(singles, np.stack(np.triu_indices(60, 1), axis=1)))
    cover = Coverage(pairs, np.zeros((1, 5)), np.ones(1770, dtype=bool), block=100)
    for _ in range(30):
        cover.add(cover.farthest())
    assert pairs.most == 100
    assert pairs.total < 0.8 * 30 * 1770
