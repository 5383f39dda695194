"""Inference sets: the hard ones are measured, and the stopping rule errs as seldom as it says."""

import numpy as np
import pytest
from scipy.stats import binom

from pajamo.campaigns.acquisition.choosing import choose_batch
from pajamo.campaigns.acquisition.inference_set import InferenceSet, right_classes, right_values, stop_verdict
from pajamo.campaigns.predictive import ClassPredictive, FactorPredictive
from pajamo.campaigns.situation import Situation
from pajamo.errors import DataError


def situation(predictive):
    return Situation(np.zeros((predictive.size, 1)), np.ones(predictive.size, dtype=bool), predictive)


def test_the_least_sure_are_measured():
    classes = ClassPredictive([[0.9, 0.1], [0.5, 0.5], [0.3, 0.7]])
    found = choose_batch(InferenceSet(), situation(classes), 2)
    assert found.rows.tolist() == [1, 2]
    np.testing.assert_allclose(found.scores, [0.1, 0.5, 0.3])
    values = FactorPredictive(np.zeros(3), [[1.0], [3.0], [2.0]], scale=[2.0])
    found = choose_batch(InferenceSet(), situation(values), 2)
    assert found.rows.tolist() == [1, 2]
    np.testing.assert_allclose(found.scores, [0.5, 1.5, 1.0])
    assert "too unsure" in InferenceSet().why(found, 0)


def test_the_bound_is_the_share_at_which_so_many_right_ones_are_just_too_lucky():
    right = np.arange(100) < 97
    verdict = stop_verdict(right, confidence=0.95)
    error = 0.05 * 6 / np.pi**2
    assert binom.sf(96, 100, verdict.bound) == pytest.approx(error)
    assert verdict.share == 0.97
    assert verdict.held_back == 100
    assert not verdict.stop
    assert "short of" in verdict.why


def test_all_right_has_the_closed_form_and_none_right_says_nothing():
    assert stop_verdict(np.ones(50, bool)).bound == pytest.approx((0.05 * 6 / np.pi**2) ** (1 / 50))
    assert stop_verdict(np.zeros(50, bool)).bound == 0.0


def test_more_held_back_and_fewer_looks_raise_the_bound():
    many, few = stop_verdict(np.ones(200, bool)), stop_verdict(np.ones(50, bool))
    assert many.bound > few.bound
    assert stop_verdict(np.ones(50, bool), look=5).bound < few.bound


def test_measured_candidates_count_as_right_in_a_library():
    right = np.arange(100) < 80
    rest = stop_verdict(right)
    library = stop_verdict(right, measured=300, remaining=100, of="library")
    assert library.bound == pytest.approx((300 + 100 * rest.bound) / 400)
    assert library.bound > 0.9 > rest.bound


def test_a_campaign_that_asks_ten_times_stops_too_early_as_seldom_as_it_says():
    rng = np.random.default_rng(0)
    truth, early = 0.94, 0
    for _ in range(400):
        looks = [stop_verdict(rng.random(120) < truth, target=0.95, look=k).stop for k in range(1, 11)]
        early += any(looks)
    assert early / 400 <= 0.05


def test_failed_measurements_are_left_out():
    np.testing.assert_array_equal(right_classes([0, 1, 2], [0.0, np.nan, 1.0]), [True, False])
    np.testing.assert_array_equal(right_values([1.0, 2.0, 3.0], [1.4, np.nan, 4.0], 0.5), [True, False])
    both = right_values([[0.0, 0.0], [0.0, 0.0]], [[0.1, 3.0], [0.1, 0.1]], [0.5, 0.5])
    np.testing.assert_array_equal(both, [False, True])


@pytest.mark.parametrize(
    ("right", "settings", "said"),
    [
        ([], {}, "nothing was held back"),
        ([True], {"target": 1.5}, "target"),
        ([True], {"look": 0}, "look"),
        ([True], {"of": "all"}, "of"),
        ([True], {"of": "library"}, "library is empty"),
    ],
)
def test_what_cannot_be_judged_is_refused(right, settings, said):
    with pytest.raises(DataError, match=said):
        stop_verdict(right, **settings)
