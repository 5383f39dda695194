"""Integration in time: declared orders, tolerances, stiffness, and what is said when it cannot go on."""

from __future__ import annotations

import math

import pytest
import torch

from pajamo.errors import ModelError
from pajamo.mechanisms.flows.solving.failure import IntegrationError
from pajamo.mechanisms.flows.solving.method import inside, weighted
from pajamo.mechanisms.flows.solving.solve import METHODS, Solver, integrate, solve

BOTH = pytest.mark.parametrize("method", ["explicit", "implicit"])


def logistic(state):
    return state * (1.0 - state)


def logistic_at(start, time):
    return 1.0 / (1.0 + (1.0 / start - 1.0) * math.exp(-time))


def pendulum(state):
    return torch.stack([state[:, 1], -torch.sin(state[:, 0])], dim=1)


def van_der_pol(state):
    x, y = state.T
    return torch.stack([y, 1000.0 * (1.0 - x**2) * y - x], dim=1)


def robertson(state):
    a, b, c = state.T
    slow, back, fast = 0.04 * a, 1e4 * b * c, 3e7 * b**2
    return torch.stack([back - slow, slow - back - fast, fast], dim=1)


def fixed_steps(method, field, start, end, count):
    """State after `count` equal steps, without any control."""
    state, step = start, torch.full((len(start), 1), end / count, dtype=torch.float64)
    for _ in range(count):
        moved = method.increments(field, state, step)
        state = state + weighted(moved.parts, method.weights)
    return state


def slope(errors, counts):
    """Slope of log error against log step."""
    return math.log(errors[0] / errors[-1]) / math.log(counts[-1] / counts[0])


@BOTH
def test_error_falls_with_the_declared_order(method):
    one = METHODS[method]
    start = torch.tensor([[1.0, 0.5]], dtype=torch.float64)
    exact = fixed_steps(METHODS["explicit"], pendulum, start, 3.0, 800)
    counts = (12, 24, 40)
    errors = [(fixed_steps(one, pendulum, start, 3.0, n) - exact).abs().max().item() for n in counts]
    assert slope(errors, counts) == pytest.approx(one.order, abs=0.4)


@BOTH
def test_embedded_error_falls_with_its_order(method):
    one = METHODS[method]
    start = torch.tensor([[1.0, 0.5]], dtype=torch.float64)
    lengths = (0.4, 0.2, 0.1)
    errors = []
    for length in lengths:
        moved = one.increments(pendulum, start, torch.full((1, 1), length, dtype=torch.float64))
        errors.append(weighted(moved.parts, one.error_weights).abs().max().item())
    assert slope(errors, [1 / length for length in lengths]) == pytest.approx(one.error_order + 1, abs=0.4)


@pytest.mark.parametrize(("method", "order"), [("explicit", 4), ("implicit", 3)])
def test_states_inside_a_step_are_of_their_order(method, order):
    one, start = METHODS[method], torch.tensor([[0.2]], dtype=torch.float64)
    share, row = torch.tensor([0.37], dtype=torch.float64), torch.tensor([0])
    lengths, errors = (0.8, 0.4, 0.2), []
    for length in lengths:
        moved = one.increments(logistic, start, torch.full((1, 1), length, dtype=torch.float64))
        found = inside(one, start, moved.parts, share, row)
        errors.append(abs(found.item() - logistic_at(0.2, 0.37 * length)))
    assert slope(errors, [1 / length for length in lengths]) >= order + 0.6


@BOTH
def test_the_whole_step_is_the_sum_of_its_inside(method):
    one = METHODS[method]
    sums = [sum(row) for row in one.dense]
    torch.testing.assert_close(torch.tensor(sums), torch.tensor(one.weights), atol=1e-12, rtol=1e-12)


@BOTH
@pytest.mark.parametrize("tolerance", [1e-3, 1e-6, 1e-9])
def test_error_stays_near_the_tolerance(method, tolerance):
    rate = torch.tensor([[-1.0, 2.0], [-2.0, -0.5]], dtype=torch.float64)
    start = torch.tensor([[1.0, 0.0], [0.3, -2.0]], dtype=torch.float64)
    times = [0.0, 0.1, 1.0, 4.0]
    states = integrate(lambda x: x @ rate.T, start, times, method=method, rtol=tolerance, atol=tolerance)
    exact = torch.stack([start @ torch.matrix_exp(rate * time).T for time in times])
    assert (states - exact).abs().max() < 20 * tolerance
    assert torch.equal(states[0], start)


@BOTH
def test_each_row_is_integrated_as_if_alone(method):
    start = torch.tensor([[0.1], [0.9], [3.0]], dtype=torch.float64)
    times = torch.tensor([[0.0, 1.0, 0.5], [2.0, 1.0, 7.0]], dtype=torch.float64)
    together = solve(logistic, start, times, Solver(method=method))
    for row in range(3):
        alone = solve(logistic, start[row : row + 1], times[:, row], Solver(method=method))
        torch.testing.assert_close(alone.states[:, 0], together.states[:, row], atol=1e-14, rtol=1e-14)
        assert alone.steps.item() == together.steps[row].item()


def test_rows_that_are_done_wait_where_they_are():
    # the identity minus its Jacobian is singular here: a row that waits must not be solved for
    states = integrate(lambda x: x, torch.ones(2, 1, dtype=torch.float64), [[0.0, 1.0]], method="implicit")
    assert states[0, 0].item() == 1.0
    assert states[0, 1].item() == pytest.approx(math.e, rel=1e-5)


def test_single_precision_stays_single():
    states = integrate(logistic, torch.tensor([[0.5]]), [1.0], rtol=1e-4, atol=1e-5)
    assert states.dtype == torch.float32
    assert states.item() == pytest.approx(logistic_at(0.5, 1.0), rel=1e-4)


def test_stiff_kinetics_need_the_implicit_method():
    """Robertson's reaction at t = 40, Hairer and Wanner II, section IV.10."""
    start = torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64)
    implicit = solve(robertson, start, [40.0], Solver(method="implicit", rtol=1e-5, atol=1e-10))
    expected = torch.tensor([0.7158270687194, 9.185534764e-06, 0.2841637457459], dtype=torch.float64)
    torch.testing.assert_close(implicit.states[0, 0], expected, rtol=1e-4, atol=1e-9)
    assert implicit.steps.item() < 120
    with pytest.raises(IntegrationError, match="implicit") as caught:
        solve(robertson, start, [40.0], Solver(rtol=1e-5, atol=1e-10, max_steps=1200))
    assert caught.value.time.item() < 4.0


def test_relaxation_oscillation_is_followed_through_its_jump():
    """Van der Pol with mu = 1000: rests for 800 units of time, then jumps within a thousandth."""
    start = torch.tensor([[2.0, 0.0]], dtype=torch.float64)
    found = solve(van_der_pol, start, [800.0, 820.0], Solver(method="implicit", rtol=1e-4, atol=1e-6))
    assert found.steps.item() < 400
    assert found.states[0, 0, 0] > 1.0
    assert found.states[1, 0, 0] < -1.9


def test_divergence_reports_the_last_finite_state():
    start = torch.tensor([[0.5], [1.0]], dtype=torch.float64)
    with pytest.raises(IntegrationError, match="row 1 at time 1 ") as caught:
        integrate(lambda x: x**2, start, [1.5])
    error = caught.value
    assert isinstance(error, ModelError)
    assert error.rows == (1,)
    assert error.state.isfinite().all()
    assert error.time[1].item() == pytest.approx(1.0, abs=1e-6)
    assert error.state[1].item() > 1e6


@BOTH
def test_a_drift_that_is_not_a_number_is_divergence(method):
    with pytest.raises(IntegrationError, match="diverges") as caught:
        integrate(lambda x: -torch.sqrt(x), torch.ones(1, 1, dtype=torch.float64), [3.0], method=method)
    assert caught.value.time.item() == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize("times", [[], [-1.0], [2.0, 1.0], [math.inf], [math.nan]])
def test_times_must_run_forwards(times):
    with pytest.raises(ModelError, match="times of an integration"):
        integrate(logistic, torch.ones(1, 1, dtype=torch.float64), times)
