"""Bayesian linear regression against dense formulas, planted truth and its own rank-one updates."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from pajamo.campaigns.learners.evidence import Whitened, strongest
from pajamo.campaigns.learners.inputs import checked
from pajamo.campaigns.learners.linear import BayesianLinear, posterior
from pajamo.errors import DataError


def planted(results=60, features=5, outputs=2, noise=0.3, seed=0):
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(results, features)) * rng.uniform(0.1, 10, features) + 3
    weights = rng.normal(size=(features, outputs)) / table.std(axis=0)[:, None]
    truth = table @ weights + 7
    return table, truth + noise * rng.normal(size=truth.shape), truth


def dense(fitted, table, values, candidates, errors):
    """Mean and covariance by the formula with L x L matrices and a prior on the intercept that is as good as flat."""
    inner = np.column_stack([np.ones(len(table)), fitted.inputs.apply(table)])
    outer = np.column_stack([np.ones(len(candidates)), fitted.inputs.apply(candidates)])
    prior = np.diag(np.concatenate([[1e7], fitted.prior.weights**2]))
    seen = inner @ prior @ inner.T + np.diag(errors)
    gain = np.linalg.solve(seen, inner @ prior @ outer.T).T
    mean = gain @ fitted.outputs.apply(values)
    covariance = outer @ prior @ outer.T - gain @ inner @ prior @ outer.T
    return fitted.outputs.centre + mean * fitted.outputs.deviation, covariance


@pytest.mark.parametrize("results", [40, 4])
def test_the_posterior_is_that_of_the_dense_formula(results):
    table, values, _ = planted(results)
    fitted = BayesianLinear().fit(table, values, seed=0)
    candidates = planted(30, seed=1)[0]
    predicted = fitted.predict(candidates)
    mean, covariance = dense(fitted, table, values, candidates, np.ones(results))
    spread = fitted.prior.spread * fitted.outputs.deviation
    np.testing.assert_allclose(predicted.mean, mean, rtol=1e-5)
    np.testing.assert_allclose(predicted.variance, np.diag(covariance)[:, None] * spread**2, rtol=1e-5)
    np.testing.assert_allclose(
        predicted.columns(np.arange(30)),
        covariance * ((spread / predicted.scale) ** 2).sum(),
        rtol=1e-4,
        atol=1e-6,
    )


def test_the_posterior_with_known_noise_is_that_of_the_dense_formula():
    table, values, _ = planted(40, outputs=1)
    noise = np.random.default_rng(3).uniform(0.01, 2.0, (40, 1))
    fitted = BayesianLinear().fit(table, values, noise, seed=0)
    candidates = planted(20, seed=1)[0]
    errors = noise[:, 0] / fitted.outputs.deviation**2 + fitted.prior.further
    mean, covariance = dense(fitted, table, values, candidates, errors)
    np.testing.assert_allclose(fitted.predict(candidates).mean, mean, rtol=1e-5)
    np.testing.assert_allclose(
        fitted.predict(candidates).variance[:, 0],
        np.diag(covariance) * fitted.outputs.deviation**2,
        rtol=1e-4,
    )


def evidence(logarithms, table, values):
    """Negative log density of contrasts, which is what the restricted likelihood is, up to a constant."""
    results = len(values)
    contrasts = np.linalg.qr(np.column_stack([np.ones(results), np.eye(results)[:, :-1]]))[0][:, 1:]
    covariance = (
        contrasts.T
        @ (np.exp(logarithms[0]) * table @ table.T + np.exp(logarithms[1]) * np.eye(results))
        @ contrasts
    )
    return -multivariate_normal(np.zeros(results - 1), covariance).logpdf(contrasts.T @ values)


def test_the_prior_is_the_one_with_most_evidence():
    table, values, _ = planted(25, outputs=1)
    fitted = BayesianLinear().fit(table, values, seed=0)
    standard, targets = fitted.inputs.apply(table), fitted.outputs.apply(values)[:, 0]
    found = minimize(
        evidence,
        [0.0, -1.0],
        args=(standard, targets),
        method="Nelder-Mead",
        options={"xatol": 1e-6, "fatol": 1e-10},
    )
    variance, errors = np.exp(found.x)
    np.testing.assert_allclose(fitted.prior.spread[0] ** 2, errors, rtol=1e-3)
    np.testing.assert_allclose((fitted.prior.weights[0] * fitted.prior.spread[0]) ** 2, variance, rtol=1e-3)


@pytest.mark.parametrize("free", [True, False])
@pytest.mark.parametrize("features", [6, 40])
def test_several_groups_have_the_evidence_of_a_naive_search(features, free):
    rng = np.random.default_rng(0)
    table, values = rng.normal(size=(20, features)), rng.normal(size=(20, 2))
    values += table @ rng.normal(size=(features, 2)) * np.where(np.arange(2) == 0, 1.0, 3.0)
    groups = np.repeat([0, 1], features // 2)
    data = Whitened(table, values, groups, free)

    def lost(logarithms):
        covariance = np.eye(20) + (table * np.exp(logarithms)[groups]) @ table.T
        squares = np.einsum("ld,ld->d", values, np.linalg.solve(covariance, values))
        errors = 19 * np.log(squares / 19).sum() if free else squares.sum()
        return 0.5 * (2 * np.linalg.slogdet(covariance)[1] + errors)

    found = strongest(data)
    np.testing.assert_allclose(found.lost, lost(np.log(found.prior)), rtol=1e-8)
    starts = [lost(np.log(found.prior) + step) for step in rng.normal(size=(50, 2))]
    assert found.lost <= min(starts) + 1e-9


def test_one_group_is_the_same_by_its_spectrum_and_by_gradient():
    rng = np.random.default_rng(1)
    table = rng.normal(size=(30, 7))
    values = table @ rng.normal(size=(7, 3)) + rng.normal(size=(30, 3))
    one = strongest(Whitened(table, values, np.zeros(7, dtype=int), True))
    twin = np.concatenate([table, np.zeros((30, 1))], axis=1)
    two = strongest(Whitened(twin, values, np.repeat([0, 1], [7, 1]), True))
    np.testing.assert_allclose(two.lost, one.lost, rtol=1e-9)
    np.testing.assert_allclose(two.prior[0], one.prior[0], rtol=1e-3)


def test_a_group_that_says_nothing_is_shrunk():
    rng = np.random.default_rng(2)
    table = rng.normal(size=(50, 40))
    values = table[:, :5] @ rng.normal(size=(5, 1)) + 0.1 * rng.normal(size=(50, 1))
    fitted = BayesianLinear(groups=(5, 35)).fit(table, values, seed=0)
    assert fitted.prior.weights[-1] < 0.05 * fitted.prior.weights[0]
    fresh = rng.normal(size=(200, 40))
    truth = fresh[:, :5] @ np.linalg.lstsq(table[:, :5], values, rcond=None)[0]
    alone = BayesianLinear().fit(table, values, seed=0).predict(fresh).mean
    assert np.mean((fitted.predict(fresh).mean - truth) ** 2) < 0.5 * np.mean((alone - truth) ** 2)


def test_updates_one_by_one_are_a_refit_at_the_same_prior():
    table, values, _ = planted(50)
    fitted = BayesianLinear().fit(table[:20], values[:20], seed=0)
    updated = fitted.update(table[20:], values[20:])
    mean, root = posterior(checked(table, values), fitted.prior, fitted.inputs, fitted.outputs)
    np.testing.assert_allclose(updated.mean, mean, atol=1e-10)
    np.testing.assert_allclose(updated.root @ updated.root.T, root @ root.T, atol=1e-10)


def test_updates_with_known_noise_are_a_refit_at_the_same_prior():
    table, values, _ = planted(50)
    noise = np.random.default_rng(0).uniform(0.1, 1.0, values.shape)
    fitted = BayesianLinear().fit(table[:20], values[:20], noise[:20], seed=0)
    updated = fitted.update(table[20:], values[20:], noise[20:])
    mean, root = posterior(checked(table, values, noise), fitted.prior, fitted.inputs, fitted.outputs)
    np.testing.assert_allclose(updated.mean, mean, atol=1e-10)
    np.testing.assert_allclose(updated.root @ updated.root.T, root @ root.T, atol=1e-10)
    with pytest.raises(DataError, match="noise is known for some results"):
        fitted.update(table[20:], values[20:])


def test_intervals_cover_what_is_true():
    covered = []
    for seed in range(30):
        table, values, truth = planted(60, seed=seed)
        fitted = BayesianLinear().fit(table[:30], values[:30], seed=0)
        predicted = fitted.predict(table[30:])
        covered.append(np.abs(predicted.mean - truth[30:]) < 1.645 * predicted.deviation)
    assert 0.85 < np.mean(covered) < 0.95


def test_units_of_features_and_values_do_not_matter():
    table, values, _ = planted()
    plain = BayesianLinear().fit(table, values, seed=0).predict(table)
    other = BayesianLinear().fit(table * [1e3, 1, 1e-3, 5, 2] - 4, values * [10, 0.1] + 5, seed=0)
    again = other.predict(table * [1e3, 1, 1e-3, 5, 2] - 4)
    np.testing.assert_allclose(again.mean, plain.mean * [10, 0.1] + 5, rtol=1e-6)
    np.testing.assert_allclose(again.diagonal(), plain.diagonal(), rtol=1e-5)


def test_the_noise_of_each_output_is_found():
    table, values, truth = planted(400, noise=0.0)
    values = truth + np.random.default_rng(5).normal(size=truth.shape) * [0.2, 1.0]
    fitted = BayesianLinear().fit(table, values, seed=0)
    np.testing.assert_allclose(np.sqrt(fitted.noise), [0.2, 1.0], rtol=0.1)


def test_known_noise_leaves_little_unexplained_and_weighs_results():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(200, 3))
    truth = table.sum(axis=1, keepdims=True)
    noise = np.where(np.arange(200) < 100, 0.01, 4.0)[:, None]
    values = truth + np.sqrt(noise) * rng.normal(size=(200, 1))
    known = BayesianLinear().fit(table, values, noise, seed=0)
    blind = BayesianLinear().fit(table, values, seed=0)
    assert known.prior.further < 0.01
    error = [np.mean((model.predict(table).mean - truth) ** 2) for model in (known, blind)]
    assert error[0] < 0.2 * error[1]


def test_its_own_space_has_the_prior_s_distances():
    table, values, _ = planted()
    fitted = BayesianLinear().fit(table, values, seed=0)
    np.testing.assert_allclose(
        fitted.embed(table)[slice(0, 60)], fitted.inputs.apply(table) * fitted.prior.weights
    )


def test_values_that_never_vary_are_learnt_without_an_error():
    fitted = BayesianLinear().fit(np.arange(6.0)[:, None], np.full((6, 1), 3.0), seed=0)
    np.testing.assert_allclose(fitted.predict(np.array([[9.0]])).mean, 3.0)


def test_groups_that_do_not_add_up_are_told():
    with pytest.raises(DataError, match="groups of 2, 2 features, and there are 5"):
        BayesianLinear(groups=(2, 2)).fit(*planted()[:2], seed=0)
