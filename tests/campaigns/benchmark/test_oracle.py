"""The oracle shows what is asked for, counts it, and shows failures as failures."""

from __future__ import annotations

import numpy as np
import pytest

from pajamo.campaigns.benchmark.oracle import Oracle, mean_of, replicate_noise
from pajamo.errors import DataError


def test_each_look_shows_the_next_replicate_and_is_counted() -> None:
    oracle = Oracle(np.arange(12.0).reshape(4, 3, 1))
    first = oracle.measure([1, 2, 1], 0)
    assert first.values[:, 0].tolist() == [3.0, 6.0, 4.0]
    assert first.looks.tolist() == [0, 0, 1]
    assert oracle.measure([1], 1).values[0, 0] == 5.0
    assert oracle.looks.tolist() == [0, 3, 1, 0]
    assert oracle.record == ((0, 1), (0, 2), (0, 1), (1, 1))
    assert oracle.left(np.array([0, 1, 2])).tolist() == [3, 0, 2]


def test_a_measurement_that_was_never_made_is_refused() -> None:
    oracle = Oracle(np.zeros((2, 1, 1)))
    oracle.measure([0], 0)
    with pytest.raises(DataError, match="time 2"):
        oracle.measure([0], 1)
    with pytest.raises(DataError, match="there are 2"):
        oracle.measure([2], 1)


def test_failed_measurements_come_back_as_failed() -> None:
    # PyRelationAL takes a missing label as a label: every score of expected improvement is then NaN.
    values = np.array([[[1.0, 2.0]], [[np.nan, 2.0]], [[np.nan, np.nan]]])
    results = Oracle(values).measure([0, 1, 2], 0)
    assert results.failed.tolist() == [False, True, True]
    assert np.isnan(results.values[1, 0])


def test_nothing_that_is_changed_outside_changes_the_oracle() -> None:
    values = np.zeros((2, 1, 1))
    oracle = Oracle(values)
    values[:] = 7.0
    oracle.looks[:] = 5
    shown = oracle.measure([0], 0)
    shown.values[:] = 9.0
    assert (
        Oracle(np.zeros((2, 1, 1))).measure([0], 0).values[0, 0] == oracle.measure([1], 0).values[0, 0] == 0.0
    )


def test_noise_of_replicates_has_the_noise_variance() -> None:
    rng = np.random.default_rng(0)
    measurements = rng.standard_normal((4000, 1, 1)) + 0.3 * rng.standard_normal((4000, 3, 1))
    assert replicate_noise(measurements).std() == pytest.approx(0.3, rel=0.02)


def test_noise_skips_what_failed_or_was_measured_once() -> None:
    values = np.array([[1.0, 3.0, np.nan], [5.0, np.nan, np.nan], [2.0, 2.0, 2.0]])[:, :, None]
    noise = np.sort(replicate_noise(values)[:, 0])
    assert noise == pytest.approx([-np.sqrt(2), 0.0, 0.0, 0.0, np.sqrt(2)])
    with pytest.raises(DataError, match="twice"):
        replicate_noise(values[1:2])


def test_further_measurements_are_drawn_around_the_mean_and_the_same_each_time() -> None:
    noise = np.array([[-0.5], [0.5]])
    shown = [Oracle(np.full((3, 1, 1), 2.0), noise=noise, seed=4) for _ in range(2)]
    once, again = (one.measure([0] * 40, 0).values for one in shown)
    assert np.array_equal(once, again)
    assert once[0, 0] == 2.0
    assert set(once[1:, 0]) == {1.5, 2.5}
    added = Oracle(np.full((3, 1, 1), 2.0), noise=noise, added=True, seed=4)
    assert set(added.measure([1, 2], 0).values[:, 0]) <= {1.5, 2.5}


def test_the_value_of_a_look_does_not_depend_on_the_order_of_others() -> None:
    noise = np.random.default_rng(1).standard_normal((50, 1))
    one, other = (Oracle(np.zeros((5, 1, 1)), noise=noise, added=True, seed=2) for _ in range(2))
    straight, back = one.measure([0, 1, 2], 0).values, other.measure([2, 1, 0], 0).values
    assert np.array_equal(straight, back[::-1])


def test_means_leave_failed_measurements_out() -> None:
    values = np.array([[[1.0], [3.0]], [[2.0], [np.nan]], [[np.nan], [np.nan]]])
    assert mean_of(values)[:2, 0].tolist() == [2.0, 2.0]
    assert np.isnan(mean_of(values)[2, 0])


@pytest.mark.parametrize("noise", [np.zeros((3, 2)), np.zeros((0, 1)), np.array([[np.nan]])])
def test_noise_that_does_not_fit_is_refused(noise: np.ndarray) -> None:
    with pytest.raises(DataError, match="noise has the shape"):
        Oracle(np.zeros((2, 1, 1)), noise=noise)
    with pytest.raises(DataError, match="measurements have the shape"):
        Oracle(np.zeros((2, 1)))
