"""Linear stochastic systems and moment closure against scipy, simulation and paper."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.linalg
import torch
from tests.mechanisms.rest_systems import network, some_edits, unperturbed

from pajamo.errors import ModelError
from pajamo.mechanisms.flows.stochastic.closure import (
    expected_drift,
    jensen_gap,
    moment_rates,
    moments_after,
)
from pajamo.mechanisms.flows.stochastic.linear_noise import GaussianLaw, stationary_law, transient_covariance
from pajamo.mechanisms.flows.stochastic.lyapunov import lyapunov


@pytest.fixture
def systems():
    """Three stable systems of seven components and their noise."""
    draw = torch.Generator().manual_seed(0)
    matrix = torch.randn(3, 7, 7, generator=draw, dtype=torch.float64) / 4 - torch.eye(7)
    half = torch.randn(3, 7, 7, generator=draw, dtype=torch.float64)
    return matrix, half @ half.mT


def test_the_lyapunov_equation_is_solved_as_scipy_does(systems):
    matrix, noise = systems
    found = lyapunov(matrix, noise)
    left = matrix @ found + found @ matrix.mT + noise
    assert left.abs().max() < 1e-13 * noise.abs().max()
    for one, rates, made in zip(found.numpy(), matrix.numpy(), noise.numpy(), strict=True):
        np.testing.assert_allclose(one, scipy.linalg.solve_continuous_lyapunov(rates, -made), rtol=1e-10)


def test_rates_that_differ_by_many_orders():
    rates = torch.tensor([1e-4, 1.0, 1e5], dtype=torch.float64)
    matrix, noise = torch.diag(-rates), torch.ones(3, 3, dtype=torch.float64)
    expected = 1.0 / (rates.unsqueeze(0) + rates.unsqueeze(1))
    torch.testing.assert_close(lyapunov(matrix, noise), expected, rtol=1e-10, atol=0)


def test_gradients_of_the_lyapunov_equation(systems):
    matrix, noise = (part[:2, :4, :4].clone().requires_grad_() for part in systems)

    def covariance(a, d):
        return lyapunov(a, (d + d.mT) / 2)

    assert torch.autograd.gradcheck(covariance, (matrix, noise))


def test_an_unstable_system_has_no_stationary_covariance():
    matrix = torch.tensor([[[-1.0, 0.0], [0.0, -2.0]], [[-1.0, 3.0], [3.0, -1.0]]], dtype=torch.float64)
    with pytest.raises(ModelError, match="not stable") as caught:
        lyapunov(matrix, torch.eye(2, dtype=torch.float64))
    assert "row 1" in caught.value.where
    spiral = torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64)
    with pytest.raises(ModelError, match="not stable"):
        lyapunov(spiral, torch.eye(2, dtype=torch.float64))


def test_the_transient_covariance_is_the_integral_and_ends_at_the_stationary_one(systems):
    matrix, noise = systems
    start = torch.eye(7, dtype=torch.float64)
    plain, step = start.clone(), 1e-3
    for _ in range(500):
        half = plain + step / 2 * (matrix @ plain + plain @ matrix.mT + noise)
        plain = plain + step * (matrix @ half + half @ matrix.mT + noise)
    torch.testing.assert_close(transient_covariance(matrix, noise, start, 0.5), plain, rtol=1e-5, atol=1e-6)
    late = transient_covariance(matrix, noise, start, 200.0)
    torch.testing.assert_close(late, lyapunov(matrix, noise), rtol=1e-10, atol=1e-10)


def test_free_diffusion_grows_with_time():
    found = transient_covariance(
        torch.zeros(2, 2, dtype=torch.float64), torch.eye(2).double(), torch.zeros(2, 2).double(), 3.0
    )
    torch.testing.assert_close(found, 3.0 * torch.eye(2, dtype=torch.float64))


def simulate(drift, edits, start, noise, *, cells, step, steps, seed):
    """Euler-Maruyama."""
    draw = torch.Generator().manual_seed(seed)
    state = start.expand(cells, -1).clone()
    edits = edits[torch.zeros(cells, dtype=torch.long)]
    with torch.no_grad():
        for _ in range(steps):
            pushed = torch.randn(state.shape, generator=draw, dtype=torch.float64) @ noise.T
            state = state + step * drift(state, edits) + math.sqrt(step) * pushed
    return state


def test_the_stationary_law_is_that_of_simulated_cells():
    matrix = torch.tensor([[-1.0, 0.6], [-0.8, -0.7]], dtype=torch.float64)
    offset = torch.tensor([1.0, 2.0], dtype=torch.float64)
    noise = torch.tensor([[0.5, 0.0], [0.2, 0.4]], dtype=torch.float64)
    law = stationary_law(matrix, offset, noise @ noise.T)
    cells = simulate(
        lambda x, _: x @ matrix.T + offset, unperturbed(1, 2), law.mean, noise, cells=20000, step=0.01,
        steps=500, seed=1,
    )  # fmt: skip
    torch.testing.assert_close(cells.mean(0), law.mean, rtol=0, atol=0.015)
    torch.testing.assert_close(cells.T.cov(), law.covariance, rtol=0, atol=0.01)


def saturating(state, intervention):
    """Two genes: one activates the other steeply, the other represses the first."""
    x, y = state.unbind(-1)
    made = torch.stack([2.0 / (1.0 + y.square()), 1.5 * x.square() / (1.0 + x.square())], dim=-1)
    return intervention.factor * made - state


def test_cells_at_rest_have_a_mean_that_is_no_rest_point():
    edits, noise = unperturbed(1, 2), 0.35 * torch.eye(2, dtype=torch.float64)
    cells = simulate(
        saturating, edits, torch.ones(2).double(), noise, cells=20000, step=0.02, steps=300, seed=2
    )
    mean, covariance = cells.mean(0, keepdim=True), cells.T.cov().unsqueeze(0)
    error = saturating(cells, edits[torch.zeros(len(cells), dtype=torch.long)]).std(0) / len(cells) ** 0.5
    at_mean = saturating(mean, edits)[0]
    within = saturating(cells, edits[torch.zeros(len(cells), dtype=torch.long)]).mean(0)
    assert (within.abs() < 4 * error + 0.005).all()
    assert (at_mean.abs() > 4 * error).all()
    corrected = expected_drift(saturating, mean, covariance, edits)[0]
    assert corrected.norm() < 0.5 * at_mean.norm()


def test_the_gap_of_a_square_is_the_variance():
    mean = torch.tensor([[1.0, 2.0]], dtype=torch.float64)
    covariance = torch.tensor([[[0.5, 0.1], [0.1, 0.3]]], dtype=torch.float64)

    def squares(x, _):
        return torch.stack([x[:, 0] ** 2, x[:, 0] * x[:, 1]], dim=-1)

    gap = jensen_gap(squares, mean, covariance, unperturbed(1, 2))
    torch.testing.assert_close(gap, torch.tensor([[0.5, 0.1]], dtype=torch.float64))
    linear = jensen_gap(lambda x, _: x @ covariance[0], mean, covariance, unperturbed(1, 2))
    torch.testing.assert_close(linear, torch.zeros_like(mean))


def test_moments_of_a_linear_system_are_exact(systems):
    matrix, noise = systems[0][0], systems[1][0]
    offset = torch.ones(7, dtype=torch.float64)
    law = GaussianLaw(torch.zeros(1, 7).double(), torch.zeros(1, 7, 7).double())
    drift = _linear(matrix, offset)
    with torch.no_grad():
        found = moments_after(drift, law, noise.unsqueeze(0), unperturbed(1, 7), 2.0, steps=60)
    expected = transient_covariance(matrix, noise, torch.zeros(7, 7).double(), 2.0)
    torch.testing.assert_close(found.covariance[0], expected, rtol=1e-6, atol=1e-6)
    still = moment_rates(
        drift, _batched(stationary_law(matrix, offset, noise)), noise.unsqueeze(0), unperturbed(1, 7)
    )
    assert still.mean.abs().max() < 1e-12
    assert still.covariance.abs().max() < 1e-12


def _linear(matrix, offset):
    return lambda state, _: state @ matrix.T + offset


def _batched(law):
    return GaussianLaw(law.mean.unsqueeze(0), law.covariance.unsqueeze(0))


def test_closed_moments_follow_simulated_cells_better_than_the_noise_free_flow():
    edits, noise = unperturbed(1, 2), 0.4 * torch.eye(2, dtype=torch.float64)
    cells = simulate(
        saturating, edits, torch.ones(2).double(), noise, cells=20000, step=0.02, steps=150, seed=3
    )
    start = GaussianLaw(torch.ones(1, 2).double(), torch.zeros(1, 2, 2).double())
    with torch.no_grad():
        with_noise = moments_after(saturating, start, (noise @ noise.T).unsqueeze(0), edits, 3.0, steps=30)
        without = moments_after(saturating, start, torch.zeros(1, 2, 2).double(), edits, 3.0, steps=30)
    truth = cells.mean(0)
    assert (with_noise.mean[0] - truth).norm() < 0.4 * (without.mean[0] - truth).norm()


def test_gradients_of_the_gap_and_no_noise_in_clamped_components():
    drift = network(4, 2)
    edits = replace(unperturbed(1, 4), held=torch.tensor([[True, False, False, False]]))
    mean = torch.rand(1, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    covariance = 0.1 * torch.eye(4, dtype=torch.float64).unsqueeze(0)

    def gap(reads, point):
        with_weights = _With(drift, {"production.reads": reads})
        return jensen_gap(with_weights, point, covariance, some_edits(1, 4))

    reads = drift.production.reads.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(gap, (reads, mean.requires_grad_()))
    rates = moment_rates(drift, GaussianLaw(mean, 0.0 * covariance), covariance, edits)
    assert rates.covariance[0, 0].tolist() == [0.0] * 4


class _With:
    def __init__(self, drift, weights):
        self.drift, self.weights = drift, weights

    def __call__(self, state, intervention):
        return torch.func.functional_call(self.drift, self.weights, (state, intervention))
