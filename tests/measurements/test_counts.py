"""The negative binomial against high-precision references, its limits, its gradients, and its samples."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch

from pajamo.measurements.counts import (
    expected_counts,
    log_prob,
    mean_log1p,
    moment_dispersion,
    sample,
)

COUNTS = np.array([0.0, 1.0, 2.0, 7.0, 100.0, 2000.0])


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize("dispersion", [1e-3, 0.05, 1.0, 20.0])
@pytest.mark.parametrize("mean", [1e-3, 0.4, 12.0, 900.0])
def test_agrees_with_scipy(mean, dispersion):
    r = 1.0 / dispersion
    expected = scipy.stats.nbinom.logpmf(COUNTS, r, r / (r + mean))
    np.testing.assert_allclose(
        log_prob(tensor(COUNTS), tensor(mean), tensor(dispersion)), expected, rtol=2e-9
    )


@pytest.mark.parametrize("mean", [1e-6, 0.4, 12.0, 900.0])
def test_poisson_limit_is_reached_smoothly(mean):
    poisson = scipy.stats.poisson.logpmf(COUNTS, mean)
    exact = log_prob(tensor(COUNTS), tensor(mean), tensor(0.0))
    np.testing.assert_allclose(exact, poisson, rtol=1e-12)
    # The first-order term in the dispersion is ((y - mean)^2 - y) / 2: the limit is met at that rate.
    small = 1e-10
    slope = (log_prob(tensor(COUNTS), tensor(mean), tensor(small)) - exact) / small
    np.testing.assert_allclose(slope, ((COUNTS - mean) ** 2 - COUNTS) / 2, rtol=1e-3, atol=0.05)


def test_probabilities_of_all_counts_sum_to_one():
    counts = torch.arange(0, 4000, dtype=torch.float64)
    for dispersion in (0.0, 1e-5, 0.3):
        assert torch.exp(log_prob(counts, tensor(50.0), tensor(dispersion))).sum() == pytest.approx(
            1.0, abs=1e-9
        )


@pytest.mark.parametrize("dispersion", [1e-7, 1e-5, 0.02, 3.0])
def test_gradients(dispersion):
    counts = tensor([0.0, 1.0, 30.0])
    mean = tensor([0.2, 2.0, 25.0]).requires_grad_()
    phi = tensor([dispersion] * 3).requires_grad_()
    step = min(1e-6, dispersion / 10)
    assert torch.autograd.gradcheck(lambda m: log_prob(counts, m, phi.detach()), (mean,), eps=1e-6, atol=1e-6)
    up, down = (log_prob(counts, mean.detach(), phi.detach() + sign * step) for sign in (1, -1))
    log_prob(counts, mean.detach(), phi).sum().backward()
    np.testing.assert_allclose(
        phi.grad, (up - down) / (2 * step), rtol=1e-4, atol=1e-4 / max(dispersion, 1e-5)
    )


def test_gradient_is_finite_without_dispersion_and_without_counts():
    mean, phi = tensor([1e-8, 5.0]).requires_grad_(), tensor([0.0, 0.0]).requires_grad_()
    log_prob(tensor([0.0, 0.0]), mean, phi).sum().backward()
    np.testing.assert_allclose(mean.grad, [-1.0, -1.0])
    np.testing.assert_allclose(phi.grad, np.array([1e-8, 5.0]) ** 2 / 2, atol=1e-12)


def test_expected_counts_scale_with_library_and_batch():
    log_rate, library = tensor([[-7.0, -5.0]]), tensor([[1000.0], [3000.0]])
    plain = expected_counts(log_rate, library)
    np.testing.assert_allclose(plain[1], 3 * plain[0])
    np.testing.assert_allclose(expected_counts(log_rate, library, np.log(2.0)), 2 * plain)


@pytest.mark.parametrize("dispersion", [0.0, 0.5])
def test_samples_have_the_moments(dispersion):
    drawn = sample(np.full(200_000, 4.0), np.array(dispersion), np.random.default_rng(0))
    variance = 4.0 + dispersion * 16.0
    assert drawn.mean() == pytest.approx(4.0, abs=5 * np.sqrt(variance / 200_000))
    assert drawn.var() == pytest.approx(variance, rel=0.03)


def test_moment_dispersion_recovers_the_truth():
    truth = np.array([0.0, 0.1, 1.0])
    mean = np.full((100_000, 3), 6.0)
    counts = sample(mean, truth, np.random.default_rng(1))
    found = moment_dispersion(((counts - mean) ** 2 - mean).sum(axis=0), (mean**2).sum(axis=0))
    np.testing.assert_allclose(found, truth, atol=0.02)


def test_moment_dispersion_of_an_unseen_gene_is_the_pooled_one():
    excess, squared = np.array([5.0, 0.0]), np.array([10.0, 0.0])
    np.testing.assert_allclose(moment_dispersion(excess, squared, prior=1e-9), [0.5, 0.5])


@pytest.mark.parametrize("dispersion", [0.0, 0.02, 0.7, 4.0])
def test_mean_log1p_equals_the_sum_over_all_counts(dispersion):
    mean, factor = np.array([0.0, 1e-3, 0.3, 5.0, 200.0]), 0.8
    counts = np.arange(30_000)
    for value, found in zip(mean, mean_log1p(mean, np.array(dispersion), factor), strict=True):
        if dispersion == 0:
            probability = scipy.stats.poisson.pmf(counts, value)
        else:
            r = 1 / dispersion
            probability = scipy.stats.nbinom.pmf(counts, r, r / (r + value))
        assert found == pytest.approx((probability * np.log1p(factor * counts)).sum(), abs=1e-8)
