"""Functions as learners: each of the four things that they may give, and what is said of a bare mean."""

from __future__ import annotations

import numpy as np
import pytest

from pajamo.campaigns.learners.functions import FunctionLearner, given
from pajamo.campaigns.learners.independent import IndependentPredictive
from pajamo.campaigns.predictive import ClassPredictive, KernelPredictive, SampledPredictive
from pajamo.errors import DataError, ModelError

POOL = np.arange(12.0).reshape(6, 2)


def mean(table):
    return table.sum(axis=1)


def covariance(table):
    return np.exp(-0.1 * (table[:, :1] - table[:, 0]) ** 2)


def test_a_mean_with_a_covariance():
    predicted = given(
        lambda table: (mean(table), covariance(table)), gives="mean and covariance", version="1"
    ).predict(POOL)
    assert isinstance(predicted, KernelPredictive)
    np.testing.assert_array_equal(predicted.mean[:, 0], mean(POOL))
    np.testing.assert_allclose(predicted.columns(np.arange(6)), covariance(POOL))


def test_a_mean_with_a_deviation():
    predicted = given(
        lambda table: (mean(table), 0 * mean(table) + 2), gives="mean and deviation", version="1"
    ).predict(POOL)
    assert isinstance(predicted, IndependentPredictive)
    np.testing.assert_allclose(predicted.columns(np.arange(6)), 4 * np.eye(6))


@pytest.mark.parametrize("shape", [(5, 6), (5, 6, 2)])
def test_samples(shape):
    draws = np.random.default_rng(0).normal(size=shape)
    predicted = given(lambda table: draws, gives="samples", version="1").predict(POOL)
    assert isinstance(predicted, SampledPredictive)
    np.testing.assert_allclose(predicted.mean, draws.reshape(5, 6, -1).mean(axis=0))


@pytest.mark.parametrize("shape", [(6, 3), (4, 6, 3)])
def test_probabilities(shape):
    chances = np.full(shape, 1 / 3)
    predicted = given(lambda table: chances, gives="probabilities", version="1").predict(POOL)
    assert isinstance(predicted, ClassPredictive)
    assert predicted.size == 6


@pytest.mark.parametrize("gives", ["mean and covariance", "mean and deviation", "samples", "probabilities"])
def test_a_bare_mean_is_refused_with_what_to_do(gives):
    with pytest.raises(ModelError, match=r"return .*one draw a model") as caught:
        given(mean, gives=gives, version="1").predict(POOL)
    assert "a bare mean says nothing" in str(caught.value)


@pytest.mark.parametrize(
    ("said", "gives", "complaint"),
    [
        ((np.zeros(6), np.eye(5)), "mean and covariance", r"the covariance has the shape \(5, 5\)"),
        ((np.zeros(6), np.triu(np.ones((6, 6)))), "mean and covariance", "not symmetric"),
        ((np.zeros(5), np.ones(5)), "mean and deviation", "5 rows for 6"),
        ((np.zeros(6), -np.ones(6)), "mean and deviation", "a standard deviation is negative"),
        ((np.zeros(6), np.ones(6)), "samples", "2 things"),
        (np.zeros((3, 5)), "samples", r"shape \(3, 5\) for 6"),
        (np.full((5, 2), 0.5), "probabilities", r"shape \(5, 2\) for 6"),
        (np.full((6, 2), 0.6), "probabilities", "sum to 1.2"),
        (np.zeros((1, 6)), "samples", "at least two draws"),
    ],
)
def test_other_shapes_than_declared_are_told(said, gives, complaint):
    with pytest.raises(ModelError, match=complaint):
        given(lambda table: said, gives=gives, version="1").predict(POOL)


def test_what_no_function_gives_is_told():
    with pytest.raises(ModelError, match="cannot give 'mean'"):
        given(mean, gives="mean", version="1")


def test_a_function_that_learns_is_given_the_seed_and_hashed_with_its_results():
    def learn(features, values, noise, seed):
        rng = np.random.default_rng(seed)
        weights = np.linalg.lstsq(features, values[:, 0], rcond=None)[0] + rng.normal(size=(8, 2))
        return lambda table: weights @ table.T

    learner = FunctionLearner(learn, gives="samples", version="2")
    values = POOL @ np.ones((2, 1))
    first = learner.fit(POOL, values, seed=1)
    assert first.predict(POOL).draws.shape == (8, 6, 1)
    assert first.scale == pytest.approx(values.std())
    assert first.fingerprint() == learner.fit(POOL, values, seed=1).fingerprint()
    prints = {
        learner.fit(POOL, values, seed=2).fingerprint(),
        learner.fit(POOL, values + 1, seed=1).fingerprint(),
        learner.fit(POOL, values, np.ones((6, 1)), seed=1).fingerprint(),
        FunctionLearner(learn, gives="samples", version="3").fit(POOL, values, seed=1).fingerprint(),
    }
    assert len(prints | {first.fingerprint()}) == 5


def test_a_missing_feature_is_told_by_row_and_column():
    pool = POOL.copy()
    pool[3, 1] = np.nan
    with pytest.raises(DataError, match="row 3, column 1"):
        given(mean, gives="samples", version="1").predict(pool)
