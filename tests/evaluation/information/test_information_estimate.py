"""Half-sampling gives the error of the whole, and the order of values is all that counts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pajamo.errors import DataError
from pajamo.evaluation.information.checking import enough_rows, finite_column, read_table, same_rows
from pajamo.evaluation.information.estimate import InformationEstimate, from_halves, over_halves
from pajamo.evaluation.information.order import normal_scores, ranks


def test_halves_of_a_mean_scatter_like_the_mean() -> None:
    # Not divided by sqrt(2): halves without replacement already scatter like the whole.
    values = np.random.default_rng(0).normal(size=400)
    over = over_halves(lambda half: float(values[half].mean()), 400, halves=4000, seed=1)
    assert over.std(ddof=1) == pytest.approx(values.std(ddof=1) / np.sqrt(400), rel=0.05)


def test_halves_hold_half_of_the_rows_once() -> None:
    sizes = over_halves(lambda half: len(np.unique(half)), 11, halves=5, seed=0)
    np.testing.assert_array_equal(sizes, 5)


def test_interval_is_students() -> None:
    estimate = from_halves(1.0, np.array([0.9, 1.0, 1.1]), method="m", observations=7)
    assert estimate.standard_error == pytest.approx(0.1)
    reach = stats.t.ppf(0.975, 2) * 0.1
    assert (estimate.low, estimate.high) == pytest.approx((1 - reach, 1 + reach))


def test_error_never_falls_below_its_floor() -> None:
    estimate = from_halves(0.0, np.zeros(5), method="m", observations=7, floor=0.25)
    assert estimate.standard_error == 0.25


def test_many_degrees_of_freedom_give_the_normal_interval() -> None:
    estimate = InformationEstimate.of(0.0, 1.0, freedom=np.inf, method="m", observations=1)
    assert estimate.high == pytest.approx(1.959964, abs=1e-6)


def test_ranks_sort_values_and_break_ties_by_the_seed() -> None:
    values = np.array([3.0, 1.0, 1.0, 1.0, 2.0])
    placed = ranks(values, 0)
    assert sorted(placed) == [0, 1, 2, 3, 4]
    assert placed[0] == 4
    assert placed[4] == 3
    assert len({tuple(ranks(values, seed)) for seed in range(20)}) > 1
    np.testing.assert_array_equal(placed, ranks(values, 0))


def test_normal_scores_are_symmetric_and_skip_gaps() -> None:
    scores = normal_scores(np.array([40, 3, 10]))
    np.testing.assert_allclose(scores, stats.norm.ppf([5 / 6, 1 / 6, 1 / 2]), atol=1e-12)


@pytest.mark.parametrize("values", [[], [[1.0]], [1.0, np.nan], [np.inf]])
def test_columns_that_cannot_be_used_are_refused(values: list[float]) -> None:
    with pytest.raises(DataError):
        finite_column(values, "the prediction")


@pytest.mark.parametrize("reads", [[1, 2], [[]], [[1, -1]], [[0.5]], [[np.nan]], [[0, 0]]])
def test_tables_that_are_no_counts_are_refused(reads: list[float]) -> None:
    with pytest.raises(DataError):
        read_table(reads)


def test_refusals_name_rows_and_the_way_out() -> None:
    with pytest.raises(DataError, match="row 1, bin 0"):
        read_table([[1, 1], [-2, 1]])
    with pytest.raises(DataError, match="7 rows beside 8"):
        same_rows(8, 7, "what was measured")
    with pytest.raises(DataError, match="fewer neighbours"):
        enough_rows(1, 5)
