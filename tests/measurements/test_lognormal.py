"""The Gaussian of means, and the delta method against simulation."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch

from pajamo.measurements.lognormal import mean_of_log1p, negative_log_likelihood, variance_of_log1p


def test_likelihood_is_the_normal_density():
    observed, predicted, variance = (
        torch.tensor(x, dtype=torch.float64) for x in ([0.3, 1.0], [0.1, 1.4], [0.04, 0.09])
    )
    expected = -scipy.stats.norm.logpdf([0.3, 1.0], [0.1, 1.4], np.sqrt(np.array([0.04, 0.09]) + 0.01))
    np.testing.assert_allclose(negative_log_likelihood(observed, predicted, variance, 0.01), expected)


def test_likelihood_is_best_at_the_truth_and_its_gradient_vanishes_there():
    predicted = torch.tensor([0.5], dtype=torch.float64, requires_grad=True)
    negative_log_likelihood(
        torch.tensor([0.5], dtype=torch.float64), predicted, torch.tensor([0.1])
    ).sum().backward()
    assert predicted.grad.item() == 0.0


def test_delta_method_for_small_spread():
    rng = np.random.default_rng(0)
    x = rng.normal(20.0, 1.0, 400_000)
    mean, variance = torch.tensor(20.0, dtype=torch.float64), torch.tensor(1.0, dtype=torch.float64)
    assert float(variance_of_log1p(mean, variance)) == pytest.approx(np.log1p(x).var(), rel=0.02)
    assert float(mean_of_log1p(mean, variance)) == pytest.approx(np.log1p(x).mean(), abs=3e-4)
    assert float(mean_of_log1p(mean, variance)) < np.log1p(20.0)
