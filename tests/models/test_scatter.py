"""The method of moments for interactions."""

from __future__ import annotations

import numpy as np
import pytest

from pajamo.models.parts.scatter import PRIOR_RESIDUALS, excess_variance


def test_recovers_the_excess_over_known_noise():
    rng = np.random.default_rng(0)
    noise = rng.uniform(0.1, 0.5, (4000, 3))
    residual = rng.normal(0.0, np.sqrt(noise + 0.25))
    np.testing.assert_allclose(excess_variance(residual, noise), 0.25, atol=0.04)


def test_noise_alone_is_no_excess():
    rng = np.random.default_rng(1)
    found = excess_variance(rng.normal(0.0, 1.0, (500, 40)), np.ones((500, 40)))
    assert found.mean() < 0.04
    np.testing.assert_array_equal(excess_variance(np.zeros((5, 2)), np.ones((5, 2))), 0.0)


def test_no_residual_says_nothing():
    np.testing.assert_array_equal(excess_variance(np.zeros((0, 3)), np.zeros((0, 3))), np.zeros(3))


def test_few_residuals_are_drawn_to_the_mean_over_genes():
    found = excess_variance(np.array([[2.0, 0.0]]), np.zeros((1, 2)))
    weight = 1 / (1 + PRIOR_RESIDUALS)
    assert found == pytest.approx([weight * 4.0 + (1 - weight) * 2.0, (1 - weight) * 2.0])
