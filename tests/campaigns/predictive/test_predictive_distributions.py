"""The three Gaussian distributions agree with dense formulas and with one another."""

from __future__ import annotations

import numpy as np
import pytest

from pajamo.campaigns.predictive import (
    ClassPredictive,
    FactorPredictive,
    KernelPredictive,
    SampledPredictive,
    ValuePredictive,
)
from pajamo.campaigns.predictive.pivoted import pivoted_factor
from pajamo.errors import ModelError

N, NOISE = 15, 0.3


def pieces(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    factor = np.random.default_rng(seed).normal(size=(N, 4))
    return factor, factor @ factor.T


def gaussians() -> list[ValuePredictive]:
    factor, covariance = pieces()
    mean = np.arange(float(N))
    return [
        FactorPredictive(mean, factor, noise=NOISE),
        KernelPredictive(mean, np.diag(covariance), lambda rows: covariance[:, rows], noise=NOISE),
    ]


@pytest.mark.parametrize("which", [0, 1])
def test_conditioning_is_the_dense_formula(which: int) -> None:
    _, covariance = pieces()
    rows = np.array([3, 7, 3])
    found = gaussians()[which].condition(rows)
    assert isinstance(found, ValuePredictive)
    seen = covariance[np.ix_(rows, rows)] + NOISE * np.eye(3)
    left = covariance - covariance[:, rows] @ np.linalg.inv(seen) @ covariance[rows]
    np.testing.assert_allclose(found.columns(np.arange(N)), left, atol=1e-12)
    np.testing.assert_allclose(found.diagonal(), np.diag(left), atol=1e-12)
    np.testing.assert_allclose(found.variance[:, 0], np.diag(left), atol=1e-12)
    np.testing.assert_array_equal(found.mean[:, 0], np.arange(float(N)))


@pytest.mark.parametrize("which", [0, 1])
def test_draws_have_the_joint_covariance(which: int) -> None:
    _, covariance = pieces()
    draws = gaussians()[which].samples(40_000, np.random.default_rng(1))[:, :, 0]
    np.testing.assert_allclose(np.cov(draws.T), covariance, atol=0.06 * np.diag(covariance).max())


def test_conditioned_draws_have_the_conditioned_covariance() -> None:
    factor, _ = pieces()
    draws = np.random.default_rng(2).normal(size=(500, 4)) @ factor.T
    exact = draws - draws.mean(axis=0)
    covariance = exact.T @ exact / 499
    rows = np.array([2, 9])
    found = SampledPredictive(draws, NOISE).condition(rows)
    seen = covariance[np.ix_(rows, rows)] + NOISE * np.eye(2)
    left = covariance - covariance[:, rows] @ np.linalg.inv(seen) @ covariance[rows]
    np.testing.assert_allclose(found.columns(np.arange(N)), left, atol=1e-10)
    np.testing.assert_allclose(found.mean[:, 0], draws.mean(axis=0), atol=1e-10)


@pytest.mark.parametrize("which", [0, 1])
def test_part_of_the_candidates_is_the_part_of_the_covariance(which: int) -> None:
    _, covariance = pieces()
    rows = np.array([5, 1, 8])
    part = gaussians()[which].take(rows)
    np.testing.assert_allclose(part.columns(np.array([1])), covariance[np.ix_(rows, [1])], atol=1e-12)
    np.testing.assert_array_equal(part.mean[:, 0], rows.astype(float))


def test_outputs_are_summed_in_their_own_units() -> None:
    factor, covariance = pieces()
    mean, spread = np.zeros((N, 2)), np.array([1.0, 10.0])
    found = FactorPredictive(mean, factor, noise=np.array([0.1, 10.0]), scale=spread, spread=spread)
    np.testing.assert_allclose(found.diagonal(), 2 * np.diag(covariance))
    np.testing.assert_allclose(found.noise_of(), 0.2)
    np.testing.assert_allclose(found.factor() @ found.factor().T, 2 * covariance)
    draws = np.random.default_rng(0).normal(size=(30, N, 2)) * spread
    sampled = SampledPredictive(draws, scale=spread)
    np.testing.assert_allclose(np.diag(sampled.columns(np.arange(N))), sampled.diagonal())


def test_a_pivoted_factor_reaches_the_covariance_and_never_overstates_it() -> None:
    _, covariance = pieces()
    whole = pivoted_factor(lambda rows: covariance[:, rows], np.diag(covariance), 10)
    assert whole.shape == (N, 4)
    np.testing.assert_allclose(whole @ whole.T, covariance, atol=1e-10)
    part = pivoted_factor(lambda rows: covariance[:, rows], np.diag(covariance), 2)
    assert ((part**2).sum(axis=1) <= np.diag(covariance) + 1e-12).all()
    assert pivoted_factor(lambda rows: np.zeros((N, len(rows))), np.zeros(N), 3).shape == (N, 0)


def test_what_is_no_distribution_is_refused() -> None:
    with pytest.raises(ModelError, match="bare mean") as caught:
        SampledPredictive(np.zeros((1, N)))
    assert "ensemble" in caught.value.fix
    with pytest.raises(ModelError, match=r"candidate 1 sum to 0\.9"):
        ClassPredictive([[0.5, 0.5], [0.5, 0.4]])
    with pytest.raises(ModelError, match="negative"):
        FactorPredictive(np.zeros(3), np.zeros((3, 1)), noise=-1.0)
    with pytest.raises(ModelError, match="dimensions"):
        FactorPredictive(np.zeros((3, 1, 1)), np.zeros((3, 1)))
    with pytest.raises(ModelError, match="shape"):
        FactorPredictive(np.zeros((3, 2)), np.zeros((3, 1)), noise=np.zeros(5))


def test_what_is_not_finite_is_told() -> None:
    factor, _ = pieces()
    mean = np.zeros(N)
    mean[4] = np.nan
    assert np.flatnonzero(~FactorPredictive(mean, factor).finite()).tolist() == [4]
    probabilities = np.full((2, N, 2), 0.5)
    probabilities[1, 6] = np.nan
    assert np.flatnonzero(~ClassPredictive(probabilities).finite()).tolist() == [6]
