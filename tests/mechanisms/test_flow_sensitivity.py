"""The variational equation against closed forms and finite differences."""

from __future__ import annotations

import math

import pytest
import torch
from tests.mechanisms.flow_systems import FINE, KNOCKOUT, low_rank, segment, toggle, word

from pajamo.mechanisms.flows.sensitivity import (
    editing_delay,
    fundamental_matrix,
    propagate,
    propagate_covariance,
)
from pajamo.mechanisms.flows.solving.derivative import directional
from pajamo.mechanisms.flows.solving.solve import Solver, integrate
from pajamo.mechanisms.flows.trajectory import run_words

RATE = torch.tensor([[-1.0, 2.0], [-0.5, -0.3]], dtype=torch.float64)
START = torch.tensor([[1.0, 0.5], [2.0, -1.0]], dtype=torch.float64)


def linear(state):
    return state @ RATE.T


def pendulum(state):
    return torch.stack([state[:, 1], -torch.sin(state[:, 0])], dim=1)


def test_fundamental_matrix_of_a_linear_flow_is_its_exponential():
    states, matrices = fundamental_matrix(linear, START, [0.0, 1.3], solver=FINE)
    torch.testing.assert_close(matrices[0], torch.eye(2, dtype=torch.float64).expand(2, 2, 2))
    exact = torch.matrix_exp(1.3 * RATE)
    torch.testing.assert_close(matrices[1], exact.expand(2, 2, 2), rtol=1e-7, atol=1e-9)
    torch.testing.assert_close(states[1], START @ exact.T, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("method", ["explicit", "implicit"])
def test_fundamental_matrix_equals_the_gradient_of_the_end(method):
    start = START.clone().requires_grad_()
    end = integrate(pendulum, start, [1.0], method=method, rtol=1e-6)[0]
    rows = [torch.autograd.grad(end[:, i].sum(), start, retain_graph=True)[0] for i in range(2)]
    matrices = fundamental_matrix(pendulum, START, [1.0], solver=Solver(method=method))[1][0]
    torch.testing.assert_close(matrices, torch.stack(rows, dim=1), rtol=1e-4, atol=2e-5)


def test_a_conservative_flow_keeps_volumes():
    matrices = fundamental_matrix(pendulum, START, [1.0, 5.0], solver=FINE)[1]
    torch.testing.assert_close(
        torch.linalg.det(matrices), torch.ones(2, 2, dtype=torch.float64), rtol=1e-6, atol=0
    )


def test_fundamental_matrices_compose():
    half_state, half = propagate(pendulum, START, torch.eye(2).double().expand(2, 2, 2), [1.0], solver=FINE)
    later = propagate(pendulum, half_state[0], half[0], [1.5], solver=FINE)[1]
    whole = fundamental_matrix(pendulum, START, [2.5], solver=FINE)[1]
    torch.testing.assert_close(later, whole, rtol=1e-6, atol=1e-8)


def test_covariance_travels_as_phi_s_phi():
    spread = torch.tensor([[[0.2, 0.1], [0.1, 0.3]], [[1.0, 0.0], [0.0, 0.5]]], dtype=torch.float64)
    matrix = fundamental_matrix(pendulum, START, [2.0], solver=FINE)[1][0]
    found = propagate_covariance(pendulum, START, spread, [2.0], solver=FINE)[1][0]
    torch.testing.assert_close(found, matrix @ spread @ matrix.mT, rtol=1e-6, atol=1e-8)


def test_noise_adds_up_to_its_stationary_spread():
    """dX = -k X dt + D^1/2 dW: the variance tends to D / 2k whatever it was."""
    rate = torch.tensor([1.0, 2.0], dtype=torch.float64)
    noise = torch.diag(torch.tensor([0.5, 3.0], dtype=torch.float64))
    spread = torch.eye(2, dtype=torch.float64).expand(2, 2, 2)
    found = propagate_covariance(lambda x: -rate * x, START, spread, [0.4, 20.0], noise=noise, solver=FINE)[1]
    stationary = torch.diag(torch.tensor([0.25, 0.75], dtype=torch.float64))
    decayed = torch.diag(torch.exp(-2 * rate * 0.4))
    torch.testing.assert_close(found[1, 0], stationary, rtol=1e-7, atol=1e-8)
    expected = stationary + decayed @ (torch.eye(2, dtype=torch.float64) - stationary)
    torch.testing.assert_close(found[0, 1], expected, rtol=1e-7, atol=1e-9)


def test_editing_delay_equals_finite_differences():
    flow, start = toggle(), torch.tensor([3.0, 1.0], dtype=torch.float64)

    def end(delay):
        return run_words(flow, start, [word(segment(time=delay), segment(KNOCKOUT, time=4.0 - delay))])[0]

    states, found = editing_delay(flow, start[None], segment(), segment(KNOCKOUT), 1.5, 4.0)
    torch.testing.assert_close(states[0], end(1.5), rtol=1e-7, atol=1e-9)
    torch.testing.assert_close(found[0], (end(1.501) - end(1.499)) / 0.002, rtol=1e-4, atol=1e-6)


def test_editing_delay_of_a_knockout_in_closed_form():
    """x = c until tau, then decays: x(t) = c exp(-(t - tau)), and one more unit of delay adds x(t)."""
    flow = low_rank(1, 1)
    rest = (torch.nn.functional.softplus(flow.drift.production.bias[0]) / flow.drift.decay).detach()
    with torch.no_grad():
        flow.drift.production.writes.zero_()
    states, found = editing_delay(flow, rest[None], segment(), segment(KNOCKOUT), 1.0, 3.0)
    torch.testing.assert_close(found, flow.drift.decay * states)


def test_gradients_flow_through_propagated_directions():
    speed = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    matrices = fundamental_matrix(lambda x, s: -s * x, START, [2.0], solver=FINE, arguments=(speed,))[1]
    (found,) = torch.autograd.grad(matrices[0, 0, 0, 0], speed)
    assert found.item() == pytest.approx(-2.0 * math.exp(-1.4), rel=1e-6)


def test_directional_derivative_of_a_constant_is_zero():
    assert (directional(torch.ones_like, START, START) == 0).all()
