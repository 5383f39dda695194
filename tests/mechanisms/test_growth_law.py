"""The law of growth maps, its regression, and the completion of low-rank interactions."""

from __future__ import annotations

import numpy as np
import pytest

from pajamo.mechanisms.growth import (
    CURVE_PENALTY,
    EFFECT_PENALTY,
    SLOPE_PENALTY,
    GrowthLaw,
    GrowthRegression,
    design,
)  # fmt: skip
from pajamo.mechanisms.low_rank import complete


@pytest.fixture
def plan():
    rng = np.random.default_rng(0)
    first, second = np.triu_indices(8, 1)
    return rng.normal(-0.3, 0.3, 8), np.stack([first, second], axis=1), rng


def test_regression_equals_the_dense_ridge(plan, monkeypatch):
    monkeypatch.setattr("pajamo.mechanisms.growth.PAIRS_AT_ONCE", 5)
    singles, pairs, rng = plan
    y = rng.normal(size=len(pairs))
    columns = design(singles, pairs)
    penalty = np.diag([CURVE_PENALTY] * 4 + [EFFECT_PENALTY] * 8 + [SLOPE_PENALTY] * 8)
    naive = np.linalg.solve(columns.T @ columns + penalty, columns.T @ y)
    law = GrowthRegression(singles, pairs).solve(y)
    np.testing.assert_allclose(np.concatenate([law.curve, law.effects, law.slopes]), naive, rtol=1e-6)
    np.testing.assert_allclose(law.predict(pairs), columns @ naive, rtol=1e-6, atol=1e-9)


def test_the_law_is_symmetric_in_the_pair(plan):
    singles, pairs, rng = plan
    law = GrowthLaw(singles, rng.normal(size=4), rng.normal(size=8), rng.normal(size=8))
    np.testing.assert_allclose(law.predict(pairs), law.predict(pairs[:, ::-1]), rtol=1e-13)


def test_a_low_rank_matrix_is_completed():
    rng = np.random.default_rng(1)
    factors = rng.normal(size=(30, 2))
    truth = factors @ np.diag([1.0, -0.7]) @ factors.T
    mask = rng.random((30, 30)) < 0.7
    mask = np.triu(mask, 1) | np.triu(mask, 1).T
    found = complete(np.where(mask, truth, 0.0), mask, np.zeros((30, 30)), 0.5, 300)
    np.testing.assert_allclose(found, found.T, atol=1e-9)
    hidden = ~mask
    assert np.square(found - truth)[hidden].mean() < 0.01 * np.square(truth)[hidden].mean()


def test_noise_below_the_threshold_is_no_interaction():
    noise = np.random.default_rng(2).normal(size=(20, 20))
    noise = noise + noise.T
    largest = np.abs(np.linalg.eigvalsh(noise)).max()
    full = np.ones((20, 20), dtype=bool)
    assert (complete(noise, full, np.zeros((20, 20)), 1.01 * largest, 3) == 0).all()
