"""The exact Gaussian process against dense formulas, and what its length scales say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from pajamo.campaigns.learners import exact_process, gaussian_process
from pajamo.campaigns.learners.gaussian_process import JITTER, GaussianProcess


def planted(results=40, features=3, outputs=1, seed=0):
    rng = np.random.default_rng(seed)
    table = rng.uniform(-2, 2, (results, features)) * [1, 10, 0.1][:features] + 5
    inner = (table - 5) / [1, 10, 0.1][:features]
    values = np.column_stack([np.sin(inner[:, 0]) + 0.5 * inner[:, 1], np.cos(inner[:, 0])])[:, :outputs]
    return table, 10 * values + 2 + 0.3 * rng.normal(size=values.shape)


def kernel(fitted, first, second):
    inner = [fitted.inputs.apply(table) / fitted.lengths for table in (first, second)]
    distance = cdist(*inner)
    if fitted.kernel == "squared-exponential":
        return fitted.amplitude * np.exp(-0.5 * distance**2)
    far = np.sqrt(5) * distance
    return fitted.amplitude * (1 + far + far**2 / 3) * np.exp(-far)


@pytest.mark.parametrize("shape", ["squared-exponential", "matern-5/2"])
@pytest.mark.parametrize("known", [False, True])
def test_the_posterior_is_that_of_the_dense_formula(shape, known):
    table, values = planted(outputs=2)
    candidates = planted(25, seed=1)[0]
    noise = np.random.default_rng(0).uniform(0.01, 9.0, values.shape) if known else None
    fitted = GaussianProcess(shape, restarts=0).fit(table, values, noise, seed=0)
    errors = np.full(40, fitted.further + JITTER)
    if noise is not None:
        errors += (noise / fitted.outputs.deviation**2).mean(axis=1)
    gain = np.linalg.solve(
        kernel(fitted, table, table) + np.diag(errors), kernel(fitted, table, candidates)
    ).T
    mean = gain @ fitted.outputs.apply(values) * fitted.outputs.deviation + fitted.outputs.centre
    covariance = kernel(fitted, candidates, candidates) - gain @ kernel(fitted, table, candidates)
    predicted = fitted.predict(candidates)
    np.testing.assert_allclose(predicted.mean, mean, rtol=1e-6)
    np.testing.assert_allclose(
        predicted.variance, np.diag(covariance)[:, None] * fitted.outputs.deviation**2, atol=1e-6
    )
    np.testing.assert_allclose(predicted.columns(np.arange(25)), 2 * covariance, atol=1e-7)


def test_columns_by_block_and_computed_again_are_the_same(monkeypatch):
    table, values = planted()
    candidates = planted(50, seed=1)[0]
    fitted = GaussianProcess(restarts=0).fit(table, values, seed=0)
    plain = fitted.predict(candidates)
    expected = plain.columns(np.array([3, 40]))
    np.testing.assert_array_equal(plain.columns(np.array([3, 40])), expected)
    monkeypatch.setattr(exact_process, "BLOCK", 7)
    monkeypatch.setattr(exact_process, "KEPT", 0)
    np.testing.assert_allclose(fitted.predict(candidates).columns(np.array([3, 40])), expected, atol=1e-12)


def test_conditioning_is_a_refit_with_the_candidate_seen():
    table, values = planted()
    candidates = planted(20, seed=1)[0]
    fitted = GaussianProcess(restarts=0).fit(table, values, seed=0)
    seen = fitted.predict(candidates).condition(np.array([4, 9]))
    every = np.concatenate([table, candidates[[4, 9]]])
    inside = kernel(fitted, every, every) + (fitted.further + JITTER) * np.eye(len(every))
    across = kernel(fitted, every, candidates)
    covariance = kernel(fitted, candidates, candidates) - across.T @ np.linalg.solve(inside, across)
    np.testing.assert_allclose(seen.columns(np.arange(20)), covariance, atol=1e-6)


def test_the_scales_are_those_of_most_evidence():
    table, values = planted(30)
    fitted = GaussianProcess(restarts=1).fit(table, values, seed=0)

    def evidence(lengths, amplitude, further):
        inner = fitted.inputs.apply(table) / lengths
        covariance = amplitude * np.exp(-0.5 * cdist(inner, inner) ** 2) + (further + JITTER) * np.eye(30)
        targets = fitted.outputs.apply(values)[:, 0]
        return -0.5 * (np.linalg.slogdet(covariance)[1] + targets @ np.linalg.solve(covariance, targets))

    best = evidence(fitted.lengths, fitted.amplitude, fitted.further)
    for change in (0.8, 1.25):
        assert evidence(fitted.lengths * change, fitted.amplitude, fitted.further) < best
        assert evidence(fitted.lengths, fitted.amplitude * change, fitted.further) < best
        assert evidence(fitted.lengths, fitted.amplitude, fitted.further * change) < best


def test_its_own_space_forgets_features_that_do_not_matter():
    table, values = planted(60)
    fitted = GaussianProcess(restarts=0).fit(table, values, seed=0)
    spread = fitted.embed(table)[slice(0, 60)].std(axis=0)
    assert spread[2] < 0.2 * spread[0]
    np.testing.assert_allclose(
        cdist(*[fitted.embed(table)[slice(0, 60)]] * 2),
        cdist(*[fitted.inputs.apply(table) / fitted.lengths] * 2),
        atol=1e-6,
    )


def test_units_of_features_and_values_do_not_matter():
    table, values = planted()
    plain = GaussianProcess(restarts=0).fit(table, values, seed=0).predict(table)
    scaled = GaussianProcess(restarts=0).fit(table * 50 - 3, values * 1e-3, seed=0).predict(table * 50 - 3)
    np.testing.assert_allclose(scaled.mean, plain.mean * 1e-3, rtol=1e-3)
    np.testing.assert_allclose(scaled.diagonal(), plain.diagonal(), rtol=0.05)


def test_part_of_the_results_sets_the_scales_where_the_gradient_would_not_fit(monkeypatch):
    table, values = planted(80)
    whole = GaussianProcess(restarts=0).fit(table, values, seed=0)
    monkeypatch.setattr(gaussian_process, "ENTRIES", 50 * 50 * 3)
    monkeypatch.setattr(gaussian_process, "MOST_FOR_SCALES", 60)
    part = GaussianProcess(restarts=0).fit(table, values, seed=0)
    assert part.process.seen.shape == whole.process.seen.shape
    assert not np.array_equal(part.lengths, whole.lengths)
    error = part.predict(table).mean - whole.predict(table).mean
    assert np.abs(error).max() < 0.1 * values.std()


def test_intervals_of_draws_cover_the_truth():
    rng = np.random.default_rng(0)
    covered = []
    for seed in range(6):
        table = rng.uniform(-3, 3, (60, 1))
        truth = np.sin(2 * table)
        fitted = GaussianProcess(restarts=0).fit(
            table[:25], truth[:25] + 0.1 * rng.normal(size=(25, 1)), seed=seed
        )
        predicted = fitted.predict(table[25:])
        covered.append(np.abs(predicted.mean - truth[25:]) < 1.645 * predicted.deviation)
    assert 0.75 < np.mean(covered) <= 1.0
