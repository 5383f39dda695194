"""Worlds that are drawn in towards what is expected."""

import numpy as np
import pytest

from pajamo.campaigns.acquisition.choosing import choose_batch
from pajamo.campaigns.acquisition.thompson import Thompson
from pajamo.campaigns.predictive import FactorPredictive, SampledPredictive
from pajamo.campaigns.situation import Situation
from pajamo.errors import StudyError


def situation_of(predictive, seed=0):
    size = predictive.size
    return Situation(
        np.zeros((size, 1)), np.ones(size, dtype=bool), predictive, rng=np.random.default_rng(seed)
    )


def test_without_spread_the_highest_expectations_are_taken():
    mean = np.random.default_rng(1).normal(size=40)
    predictive = FactorPredictive(mean, np.random.default_rng(2).normal(size=(40, 3)), noise=0.1)
    rows = choose_batch(Thompson(spread=0.0), situation_of(predictive), 6).rows
    assert rows.tolist() == np.argsort(-mean)[:6].tolist()


def test_a_share_of_the_spread_is_a_model_that_is_so_much_surer():
    rng = np.random.default_rng(3)
    draws = rng.normal(size=(20, 30))
    surer = draws.mean(axis=0) + 0.5 * (draws - draws.mean(axis=0))
    half = choose_batch(Thompson(spread=0.5), situation_of(SampledPredictive(draws), 4), 8)
    same = choose_batch(Thompson(), situation_of(SampledPredictive(surer), 4), 8)
    np.testing.assert_array_equal(half.rows, same.rows)
    np.testing.assert_allclose(half.scores, same.scores)


def test_two_candidates_as_far_apart_as_they_differ_by():
    # The worse of two is the best in a world with probability P(z > distance / (spread * sqrt 2)) = 0.0228.
    predictive = FactorPredictive([np.sqrt(2.0), 0.0], np.eye(2), noise=0.01)
    first = [
        choose_batch(Thompson(spread=0.5), situation_of(predictive, seed), 1).rows[0] for seed in range(2000)
    ]
    assert np.mean(np.equal(first, 1)) == pytest.approx(0.0228, abs=0.01)


@pytest.mark.parametrize("spread", [-0.1, 1.1, float("nan")])
def test_a_spread_that_is_no_share_is_refused(spread):
    with pytest.raises(StudyError, match="a spread of"):
        Thompson(spread=spread)
