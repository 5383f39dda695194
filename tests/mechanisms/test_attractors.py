"""Attractors, basins and folds of switches whose answers are known."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from tests.mechanisms.rest_systems import network, toggle, unperturbed

from pajamo.errors import ModelError
from pajamo.mechanisms.flows.drift import ProductionDecay
from pajamo.mechanisms.flows.resting.attractors import attractors, basin
from pajamo.mechanisms.flows.resting.hysteresis import hysteresis


@pytest.fixture
def starts():
    draw = torch.Generator().manual_seed(0)
    return 4.0 * torch.rand(60, 2, generator=draw, dtype=torch.float64)


def test_the_toggle_has_two_attractors_with_equal_basins(starts):
    found = attractors(toggle(), unperturbed(1, 2), starts)
    assert len(found) == 2
    assert found.unresolved == 0.0
    first = (starts[:, 0] > starts[:, 1]).double().mean().item()
    assert sorted(found.share.tolist()) == pytest.approx(sorted([first, 1 - first]))
    torch.testing.assert_close(found.state[0], found.state[1].flip(0))
    x, y = found.state[0].tolist()
    assert x == pytest.approx(2 / (1 + y**4))
    assert y == pytest.approx(2 / (1 + x**4))


def test_a_weak_toggle_has_one(starts):
    # strength 0.8: at the symmetric point, x + x^5 = 0.8, the slope is -4 x^5 / 0.8 = -0.68
    found = attractors(toggle(0.8), unperturbed(1, 2), starts)
    assert len(found) == 1
    assert found.share.tolist() == [1.0]


def test_basins_are_the_sides_of_the_diagonal(starts):
    known = attractors(toggle(), unperturbed(1, 2), starts)
    top = int(known.state[0, 0] > known.state[0, 1])
    states = torch.tensor([[3.0, 1.0], [0.2, 0.9], [5.0, 5.5]], dtype=torch.float64)
    expected = [1 - top, top, top]
    assert basin(toggle(), unperturbed(1, 2), states, known).tolist() == expected
    weak = attractors(toggle(0.8), unperturbed(1, 2), starts)
    assert basin(toggle(), unperturbed(1, 2), states, weak).tolist() == [-1, -1, -1]


def test_one_attractor_where_the_network_is_weak():
    draw = torch.Generator().manual_seed(0)
    starts = torch.rand(30, 15, generator=draw, dtype=torch.float64)
    assert len(attractors(network(15, 3, gain=0.3), unperturbed(1, 15), starts)) == 1


class _SelfActivation(torch.nn.Module):
    """(x - 1)-centred cubic made bistable: production 1 + u + 3 z - z^3 + z with z = x - 4."""

    def forward(self, state, medium):
        z = state - 4.0
        return 3.0 * z - z**3 + state


def test_folds_of_a_cubic_are_found_where_they_are():
    # dz/dt = 3 z - z^3 + u has folds at z = -1, u = 2 and at z = 1, u = -2
    drift = ProductionDecay(_SelfActivation(), torch.ones(1, dtype=torch.float64))

    def edited(strength):
        return replace(unperturbed(1, 1), shift=torch.tensor([[strength]], dtype=torch.float64))

    scan = hysteresis(drift, edited, torch.linspace(-3.6, 3.6, 9), torch.tensor([1.0], dtype=torch.float64))
    assert scan.jumps_up == pytest.approx((2.0,), abs=0.01)
    assert scan.jumps_down == pytest.approx((-2.0,), abs=0.01)
    at_zero = scan.strength.abs() < 0.1
    assert scan.up[at_zero].item() - 4 == pytest.approx(-math.sqrt(3))
    assert scan.down[at_zero].item() - 4 == pytest.approx(math.sqrt(3))
    assert scan.history_matters.tolist() == (scan.strength.abs() < 2.0).tolist()


def test_a_smooth_response_has_no_jump():
    def edited(strength):
        return replace(unperturbed(1, 2), factor=torch.tensor([[strength, 1.0]], dtype=torch.float64))

    scan = hysteresis(toggle(0.8), edited, torch.linspace(0, 1, 5), torch.ones(2, dtype=torch.float64))
    assert scan.jumps_up == scan.jumps_down == ()
    assert not scan.history_matters.any()


def test_bad_questions_are_refused(starts):
    with pytest.raises(ModelError, match="one perturbation"):
        attractors(toggle(), unperturbed(2, 2), starts)
    with pytest.raises(ModelError, match="one perturbation"):
        basin(toggle(), unperturbed(1, 2), starts[:0], attractors(toggle(), unperturbed(1, 2), starts))
    with pytest.raises(ModelError, match="increasing"):
        hysteresis(toggle(), lambda s: unperturbed(1, 2), torch.tensor([1.0, 0.5]), starts[0])
