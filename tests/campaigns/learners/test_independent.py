"""Candidates that err independently."""

from __future__ import annotations

import numpy as np

from pajamo.campaigns.learners.independent import IndependentPredictive


def predictive():
    return IndependentPredictive(np.arange(8.0).reshape(4, 2), [1.0, 2.0], noise=[1.0, 4.0], scale=[1.0, 4.0])


def test_columns_are_zero_but_for_a_candidate_with_itself():
    found = predictive()
    np.testing.assert_allclose(found.diagonal(), 1.25)
    np.testing.assert_allclose(found.columns(np.array([2, 0])), 1.25 * np.eye(4)[:, [2, 0]])
    factor = found.factor()
    np.testing.assert_allclose(factor @ factor.T, 1.25 * np.eye(4), atol=1e-12)


def test_a_measurement_makes_its_candidate_surer_and_no_other():
    found = predictive().condition(np.array([1, 1]))
    np.testing.assert_allclose(found.variance[1], [1 / 3, 4 / 3])
    np.testing.assert_allclose(found.variance[[0, 2, 3]], [[1.0, 4.0]] * 3)
    sure = IndependentPredictive(np.zeros(2), 0.0).condition(np.array([0]))
    np.testing.assert_array_equal(sure.variance, 0.0)


def test_draws_have_mean_and_variance():
    draws = predictive().samples(4000, np.random.default_rng(0))
    np.testing.assert_allclose(draws.mean(axis=0), predictive().mean, atol=0.15)
    np.testing.assert_allclose(draws.var(axis=0), predictive().variance, rtol=0.1)


def test_some_candidates_in_another_order():
    found = predictive().take(np.array([3, 0]))
    np.testing.assert_array_equal(found.mean, predictive().mean[[3, 0]])
    np.testing.assert_array_equal(found.noise, predictive().noise[[3, 0]])
