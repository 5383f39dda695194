"""Greedy determinants against determinants written out, refits, and what information must be."""

import numpy as np
import pytest

from pajamo.campaigns.acquisition.choosing import choose_batch
from pajamo.campaigns.acquisition.max_det import MaxDeterminant, information
from pajamo.campaigns.predictive import FactorPredictive, KernelPredictive, SampledPredictive
from pajamo.campaigns.situation import Situation


def situation(predictive, **more):
    size = predictive.size
    available = more.pop("available", np.ones(size, dtype=bool))
    return Situation(np.zeros((size, 1)), available, predictive, **more)


def logdet_information(covariance, noise, rows):
    part = covariance[np.ix_(rows, rows)] / np.sqrt(np.outer(noise[rows], noise[rows]))
    return 0.5 * np.linalg.slogdet(np.eye(len(rows)) + part)[1]


def naive(covariance, noise, available, number):
    rows = []
    for _ in range(number):
        free = [row for row in np.flatnonzero(available) if row not in rows]
        rows.append(max(free, key=lambda row: logdet_information(covariance, noise, [*rows, row])))
    return rows


def factors(seed=0, size=25, rank=6):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(size, rank)), rng.uniform(0.2, 2.0, size)


def test_greedy_choice_is_that_of_determinants_written_out():
    factor, noise = factors()
    available = np.arange(25) % 4 != 0
    predictive = FactorPredictive(np.zeros(25), factor, noise=noise)
    found = choose_batch(MaxDeterminant(), situation(predictive, available=available), 8)
    expected = naive(factor @ factor.T, noise, available, 8)
    np.testing.assert_array_equal(found.rows, expected)
    totals = [logdet_information(factor @ factor.T, noise, expected[: k + 1]) for k in range(8)]
    np.testing.assert_allclose(np.cumsum(found.gains), totals)


def test_a_kernel_and_its_factor_give_the_same_batch():
    factor, noise = factors(1)
    covariance = factor @ factor.T
    kernel = KernelPredictive(
        np.zeros(25), np.diag(covariance), lambda rows: covariance[:, rows], noise=noise
    )
    one = choose_batch(MaxDeterminant(), situation(kernel), 7)
    two = choose_batch(MaxDeterminant(), situation(FactorPredictive(np.zeros(25), factor, noise=noise)), 7)
    np.testing.assert_array_equal(one.rows, two.rows)
    np.testing.assert_allclose(one.gains, two.gains)


def test_draws_are_their_sample_covariance():
    noise = factors(2)[1]
    draws = np.random.default_rng(3).normal(size=(40, 25)) @ np.diag(np.linspace(1, 2, 25))
    found = choose_batch(MaxDeterminant(), situation(SampledPredictive(draws, noise[:, None])), 6)
    assert found.rows.tolist() == naive(np.cov(draws.T), noise, np.ones(25, bool), 6)


def test_each_gain_is_what_a_refitted_model_says():
    factor, noise = factors(4)
    predictive = FactorPredictive(np.zeros(25), factor, noise=noise)
    found = choose_batch(MaxDeterminant(), situation(predictive), 6)
    for place, row in enumerate(found.rows):
        refit = predictive.condition(found.rows[:place])
        assert found.gains[place] == pytest.approx(information(refit.diagonal()[row], noise[row]))


def test_pending_candidates_are_conditioned_on():
    factor, noise = factors(5)
    predictive = FactorPredictive(np.zeros(25), factor, noise=noise)
    whole = choose_batch(MaxDeterminant(), situation(predictive), 6)
    available = np.ones(25, dtype=bool)
    available[whole.rows[:2]] = False
    rest = choose_batch(
        MaxDeterminant(), situation(predictive, available=available, pending=whole.rows[:2]), 4
    )
    np.testing.assert_array_equal(rest.rows, whole.rows[2:])
    np.testing.assert_allclose(rest.gains, whole.gains[2:])


def test_the_unit_of_the_readout_does_not_matter():
    factor, noise = factors(6)
    found = choose_batch(MaxDeterminant(), situation(FactorPredictive(np.zeros(25), factor, noise=noise)), 6)
    stretched = FactorPredictive(np.zeros(25), 1e3 * factor, noise=1e6 * noise, scale=[1e3])
    again = choose_batch(MaxDeterminant(), situation(stretched), 6)
    np.testing.assert_array_equal(found.rows, again.rows)
    np.testing.assert_allclose(found.gains, again.gains)


def test_two_outputs_that_say_the_same_are_as_one():
    factor, noise = factors(7)
    one = FactorPredictive(np.zeros((25, 1)), factor, noise=noise[:, None])
    two = FactorPredictive(np.zeros((25, 2)), factor, noise=np.stack([noise, noise], axis=1))
    first, second = (choose_batch(MaxDeterminant(), situation(each), 6) for each in (one, two))
    np.testing.assert_array_equal(first.rows, second.rows)
    np.testing.assert_allclose(first.gains, second.gains)


def test_gains_fall_and_a_batch_beats_the_top_of_the_scores_where_candidates_are_alike():
    factor = np.repeat(np.diag([3.0, 2.0, 1.0]), 4, axis=0)
    noise = np.full(12, 0.5)
    found = choose_batch(MaxDeterminant(), situation(FactorPredictive(np.zeros(12), factor, noise=noise)), 3)
    assert (np.diff(found.gains) <= 0).all()
    top = np.argsort(-found.scores, kind="stable")[:3]
    covariance = factor @ factor.T
    assert logdet_information(covariance, noise, found.rows) > logdet_information(covariance, noise, top)


def test_without_known_noise_the_largest_variance_comes_first_and_nothing_is_infinite():
    factor, _ = factors(8)
    found = choose_batch(MaxDeterminant(), situation(FactorPredictive(np.zeros(25), factor)), 10)
    assert np.isfinite(found.gains).all()
    assert found.rows[0] == np.argmax((factor**2).sum(axis=1))


def test_a_model_that_is_sure_of_everything_still_gives_a_batch():
    found = choose_batch(MaxDeterminant(), situation(FactorPredictive(np.zeros(9), np.zeros((9, 2)))), 4)
    assert len(set(found.rows.tolist())) == 4
    np.testing.assert_array_equal(found.gains, 0.0)
