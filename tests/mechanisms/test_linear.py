"""Closed forms of linear dynamics against plain numerics."""

from __future__ import annotations

import pytest
import torch
from tests.mechanisms.rest_systems import long_run, network, unperturbed

from pajamo.errors import ModelError
from pajamo.mechanisms.flows.jacobian import jacobian_of
from pajamo.mechanisms.flows.linear import (
    clamp_response,
    flow,
    knockout_epistasis,
    knockout_response,
    propagate,
    steady_state,
    total_effects,
)
from pajamo.mechanisms.flows.resting.rest import rest_point


@pytest.fixture
def cyclic():
    """A dense network with feedback, and its levels."""
    draw = torch.Generator().manual_seed(0)
    weights = 0.12 * torch.randn(9, 9, generator=draw, dtype=torch.float64)
    basal = torch.rand(9, generator=draw, dtype=torch.float64) + 0.5
    total = total_effects(weights)
    return weights, basal, total, total @ basal


def test_the_flow_is_the_integral_and_a_semigroup(cyclic):
    weights, basal, _, _ = cyclic
    rates, start = weights - torch.eye(9), torch.zeros(9, dtype=torch.float64)
    plain = long_run(lambda x, _: x @ rates.T + basal, unperturbed(1, 9), start.expand(1, 9), 0.01, 200)
    torch.testing.assert_close(flow(rates, basal, start, 2.0), plain[0], rtol=1e-9, atol=1e-9)
    in_two = flow(rates, basal, flow(rates, basal, start, 0.7), 1.3)
    torch.testing.assert_close(flow(rates, basal, start, 2.0), in_two, rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(flow(rates, basal, start, 0.0), start)


def test_the_flow_of_a_singular_system_accumulates():
    rates = torch.zeros(2, 2, dtype=torch.float64)
    made = torch.tensor([1.0, 3.0], dtype=torch.float64)
    times = torch.tensor([0.0, 2.0], dtype=torch.float64)
    found = flow(rates, made, torch.ones(2, dtype=torch.float64), times)
    torch.testing.assert_close(found, torch.tensor([[1.0, 1.0], [3.0, 7.0]], dtype=torch.float64))


def test_the_flow_ends_at_the_steady_state(cyclic):
    weights, basal, _, level = cyclic
    rates = weights - torch.eye(9)
    torch.testing.assert_close(steady_state(rates, basal), level, rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(flow(rates, basal, torch.zeros(9, dtype=torch.float64), 100.0), level)


def test_shifts_are_additive_and_knockouts_are_not(cyclic):
    weights, basal, total, level = cyclic
    rates = weights - torch.eye(9)
    first, second = torch.zeros(2, 9, dtype=torch.float64)
    first[1], second[4] = 0.7, -0.2
    response = [steady_state(rates, basal + push) - level for push in (first, second, first + second)]
    assert (response[0] + response[1] - response[2]).abs().max() < 1e-12
    assert knockout_epistasis(total, level, [(1, 4)]).abs().max() > 1e-3


@pytest.mark.parametrize("chosen", [(3,), (1, 4), (0, 2, 5, 8), tuple(range(9)), ()])
def test_knocking_out_a_set_is_solving_without_it(cyclic, chosen):
    weights, basal, total, level = cyclic
    rest = [i for i in range(9) if i not in chosen]
    direct = torch.zeros(9, dtype=torch.float64)
    among = torch.eye(len(rest), dtype=torch.float64) - weights[rest][:, rest]
    direct[rest] = torch.linalg.solve(among, basal[rest])
    found = level + knockout_response(total, level, [chosen])[0]
    assert (found - direct).abs().max() < 1e-12


def test_a_single_knockout_has_its_short_formula(cyclic):
    _, _, total, level = cyclic
    short = -total[:, 2] * level[2] / total[2, 2]
    assert (knockout_response(total, level, [(2,)])[0] - short).abs().max() < 1e-12
    assert knockout_epistasis(total, level, [(2,)]).abs().max() < 1e-12


def test_clamped_levels_are_reached(cyclic):
    _, _, total, level = cyclic
    to = torch.tensor([2.0, 0.1], dtype=torch.float64)
    after = level + clamp_response(total, level, (6, 0), to)
    assert (after[[6, 0]] - to).abs().max() < 1e-12


def test_a_small_change_of_the_drift_shifts_the_rest_point_by_the_inverse_jacobian():
    drift, edits = network(8, 2), unperturbed(1, 8)
    start = torch.ones(8, dtype=torch.float64)
    push = 1e-5 * torch.linspace(-1, 1, 8, dtype=torch.float64)
    with torch.no_grad():
        before = rest_point(drift, edits, start).state
        predicted = propagate(jacobian_of(drift, before, edits), push.unsqueeze(0))
        edits.shift.add_(push)
        after = rest_point(drift, edits, start).state
    torch.testing.assert_close(after - before, predicted, rtol=1e-4, atol=1e-12)


def test_gradients_of_the_knockout_formula(cyclic):
    weights, basal, _, _ = cyclic

    def response(w, b):
        total = total_effects(w)
        return knockout_response(total, total @ b, [(0, 1), (2,)])

    inputs = (weights[:3, :3].clone().requires_grad_(), basal[:3].clone().requires_grad_())
    assert torch.autograd.gradcheck(response, inputs)


def test_what_cannot_be_inverted_is_refused():
    loop = torch.tensor([[0.0, 1.0], [1.0, 0.0]], dtype=torch.float64)
    with pytest.raises(ModelError, match="cannot be inverted") as caught:
        total_effects(loop)
    assert "gain of exactly one" in caught.value.why
    with pytest.raises(ModelError, match="cannot be inverted"):
        steady_state(torch.zeros(2, 2, dtype=torch.float64), torch.ones(2, dtype=torch.float64))
    # with the first component held, the second feeds itself with gain one
    weights = torch.tensor([[0.0, 0.5], [0.5, 1.0]], dtype=torch.float64)
    total = total_effects(weights)
    with pytest.raises(ModelError, match="among components 0"):
        knockout_response(total, torch.ones(2, dtype=torch.float64), [(0,)])
    with pytest.raises(ModelError, match="twice"):
        knockout_response(total, torch.ones(2, dtype=torch.float64), [(1, 1)])
