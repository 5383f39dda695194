"""Random orders of many sets at once."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pajamo.training.streams.hashing import hashed
from pajamo.training.streams.members import permuted_each


def test_each_order_of_each_size_is_a_permutation() -> None:
    sizes = np.concatenate([np.arange(1, 70), [255, 256, 257, 1000]])
    owner = np.repeat(np.arange(len(sizes)), sizes)
    places = np.concatenate([np.arange(size) for size in sizes])
    found = permuted_each(places, sizes[owner], hashed(3, owner))
    for number, size in enumerate(sizes):
        np.testing.assert_array_equal(np.sort(found[owner == number]), np.arange(size))


def test_an_element_does_not_depend_on_the_others() -> None:
    sizes, places, keys = np.array([7, 100, 3]), np.array([6, 50, 0]), hashed(1, [1, 2, 3])
    together = permuted_each(places, sizes, keys)
    apart = [permuted_each(places[i], sizes[i], keys[i]) for i in range(3)]
    np.testing.assert_array_equal(together, apart)


def test_each_order_of_three_things_is_about_as_frequent() -> None:
    keys = hashed(5, np.arange(12_000))[:, None]
    orders = permuted_each(np.arange(3), 3, keys) @ [9, 3, 1]
    counts = np.unique(orders, return_counts=True)[1]
    assert len(counts) == 6
    assert counts.min() > 1_600
    assert counts.max() < 2_400


def test_places_are_even_and_other_keys_give_unrelated_orders() -> None:
    places = np.arange(50_000)
    found, other = (permuted_each(places, 10**12, hashed(key)) for key in (1, 2))
    assert stats.kstest(found / 10**12, "uniform").pvalue > 1e-3
    assert abs(stats.spearmanr(places, found).statistic) < 0.02
    assert abs(stats.spearmanr(found, other).statistic) < 0.02


def test_places_outside_of_their_order_are_refused() -> None:
    with pytest.raises(IndexError, match="of their order"):
        permuted_each([0, 3], [1, 3], hashed(0))
