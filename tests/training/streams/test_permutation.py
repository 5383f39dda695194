"""A random order that is computed place by place, and numbers that are looked up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pajamo.training.streams.hashing import below, hashed, uniform
from pajamo.training.streams.permutation import permuted


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3000), st.integers(0, 2**63))
def test_each_thing_stands_at_one_place(size: int, key: int) -> None:
    np.testing.assert_array_equal(np.sort(permuted(np.arange(size), size, key)), np.arange(size))


def test_orders_of_four_things_are_about_equally_frequent() -> None:
    orders, counts = np.unique(
        [permuted(np.arange(4), 4, key) for key in range(4_800)], axis=0, return_counts=True
    )
    assert len(orders) == 24
    # Few bits: an order of a tiny network is not perfectly even, but no order is rare.
    assert counts.min() > 100
    assert counts.max() < 350


def test_places_of_a_long_order_are_even_and_unrelated_to_their_numbers() -> None:
    size = 10**15 + 37
    places = np.arange(100_000)
    found = permuted(places, size, 5)
    assert stats.kstest(found / size, "uniform").pvalue > 1e-3
    assert abs(stats.spearmanr(places, found).statistic) < 0.015
    assert abs(stats.spearmanr(found[:-1], found[1:]).statistic) < 0.015
    assert abs(stats.spearmanr(found, permuted(places, size, 6)).statistic) < 0.015


def test_sizes_beyond_32_bits_stay_inside() -> None:
    size = 2**62
    found = permuted([0, size // 2, size - 1], size, 1)
    assert len(set(found)) == 3
    assert (found >= 0).all()


def test_places_outside_are_refused() -> None:
    with pytest.raises(IndexError, match=r"\[0, 5\)"):
        permuted([5], 5, 0)


def test_hashes_tell_order_and_number_of_parts_apart() -> None:
    assert (
        len({int(hashed(1, 2)), int(hashed(2, 1)), int(hashed(1, 2, 0)), int(hashed(1)), int(hashed(2))}) == 5
    )


def test_hashes_broadcast_and_equal_those_made_one_by_one() -> None:
    table = hashed(7, np.arange(5)[:, None], np.arange(3))
    assert table.shape == (5, 3)
    assert all(table[i, j] == hashed(7, i, j) for i in range(5) for j in range(3))


def test_uniform_and_below_are_even() -> None:
    words = hashed(3, np.arange(200_000))
    assert stats.kstest(uniform(words), "uniform").pvalue > 1e-3
    counts = np.bincount(below(words, 20), minlength=20)
    assert stats.chisquare(counts).pvalue > 1e-3
    assert below(words, 1).max() == 0
