"""The designed linear model: features keep their unit, so that a rare gene is not blown up."""

from __future__ import annotations

import numpy as np

from pajamo.campaigns.learners.designed import DesignedLinear
from pajamo.campaigns.learners.linear import BayesianLinear


def test_equal_to_the_standardised_model_where_features_are_standardised():
    rng = np.random.default_rng(0)
    table = rng.standard_normal((40, 3))
    table = (table - table.mean(axis=0)) / table.std(axis=0)
    values = table @ [[1.0], [0.5], [0.0]] + 0.1 * rng.standard_normal((40, 1))
    own, usual = (kind().fit(table, values, seed=0) for kind in (DesignedLinear, BayesianLinear))
    new = rng.standard_normal((10, 3))
    assert np.allclose(own.predict(new).mean, usual.predict(new).mean)
    assert np.allclose(own.predict(new).variance, usual.predict(new).variance)


def test_the_answer_is_that_of_ridge_regression_on_centred_features():
    rng = np.random.default_rng(1)
    table = rng.standard_normal((30, 4)) * [1.0, 0.1, 3.0, 1.0] + 2
    values = table @ rng.standard_normal((4, 1)) + 0.3 * rng.standard_normal((30, 1))
    fitted = DesignedLinear().fit(table, values, seed=0)
    weight = fitted.prior.weights[0]
    assert np.allclose(fitted.prior.weights, weight)
    centred, aim = table - table.mean(axis=0), values - values.mean()
    ridge = np.linalg.solve(centred.T @ centred + np.eye(4) / weight**2, centred.T @ aim)
    new = rng.standard_normal((5, 4))
    assert np.allclose(
        fitted.predict(new).mean, values.mean() + (new - table.mean(axis=0)) @ ridge, atol=1e-8
    )


def test_a_gene_seen_once_beside_a_weak_partner_is_not_blown_up():
    rng = np.random.default_rng(2)
    table = np.zeros((60, 12))
    table[np.arange(60), np.arange(60) % 11] = 1.0
    table[0, 11] = 0.01
    values = table @ rng.standard_normal((12, 1)) + 0.1 * rng.standard_normal((60, 1))
    ask = table[:1].copy()
    ask[0, 11] = 1.0
    values[0] += 1.0
    said = [
        kind().fit(table, values, seed=0).predict(ask).mean[0, 0] for kind in (DesignedLinear, BayesianLinear)
    ]
    truth = values[11::11].mean()
    assert abs(said[0] - truth) < 1.0
    assert abs(said[1] - truth) > 10.0
