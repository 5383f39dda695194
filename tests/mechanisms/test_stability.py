"""Stability margins against plain eigenvalues and finite differences."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from tests.mechanisms.rest_systems import network, some_edits, toggle, unperturbed

from pajamo.errors import ModelError
from pajamo.mechanisms.flows.drift import ProductionDecay
from pajamo.mechanisms.flows.jacobian import DenseJacobian, jacobian_of
from pajamo.mechanisms.flows.resting import stability
from pajamo.mechanisms.flows.resting.leading import leading
from pajamo.mechanisms.flows.resting.rest import rest_point
from pajamo.mechanisms.flows.resting.stability import eigenvalues, stability_hinge, stability_margin


def test_the_saddle_of_the_toggle_has_known_eigenvalues():
    # at x = y = 1 the slope of 2 / (1 + x^4) is -2: eigenvalues -1 + 2 and -1 - 2
    found = eigenvalues(toggle(), torch.ones(1, 2, dtype=torch.float64), unperturbed(1, 2))
    torch.testing.assert_close(found.real, torch.tensor([[1.0, -3.0]], dtype=torch.float64))
    margin = stability_margin(toggle(), torch.ones(1, 2, dtype=torch.float64), unperturbed(1, 2))
    torch.testing.assert_close(margin, torch.ones(1, dtype=torch.float64))


def test_attractors_attract_and_the_hinge_is_zero_there():
    drift, edits = toggle(), unperturbed(1, 2)
    state = rest_point(drift, edits, torch.tensor([2.0, 0.1], dtype=torch.float64)).state
    assert stability_margin(drift, state, edits).item() < -0.1
    assert stability_hinge(drift, state, edits).item() == 0.0
    assert stability_hinge(drift, torch.ones(1, 2).double(), edits, margin=0.5).item() == pytest.approx(1.5)


def test_clamped_components_are_no_part_of_the_dynamics():
    edits = replace(unperturbed(1, 2), held=torch.tensor([[True, False]]), level=torch.ones(1, 2).double())
    found = eigenvalues(toggle(), torch.ones(1, 2, dtype=torch.float64), edits)
    assert found.real.tolist() == [[-1.0, -math.inf]]
    slow = ProductionDecay(toggle().production, torch.full((2,), 9.0, dtype=torch.float64))
    assert stability_margin(slow, torch.ones(1, 2, dtype=torch.float64), edits).item() == pytest.approx(-9.0)


@pytest.mark.parametrize("seed", range(3))
def test_gradient_of_the_margin_through_the_rest_point(seed):
    drift, edits = network(6, 3, gain=0.6, seed=seed), some_edits(2, 6, seed=seed)
    start = torch.ones(6, dtype=torch.float64)

    def margin(reads, bias):
        weights = {"production.reads": reads, "production.bias": bias}
        held = _With(drift, weights)
        return stability_margin(held, rest_point(held, edits, start, tolerance=1e-13).state, edits)

    weights = (drift.production.reads, drift.production.bias)
    assert torch.autograd.gradcheck(margin, tuple(w.detach().clone().requires_grad_() for w in weights))


class _With:
    def __init__(self, drift, weights):
        self.drift, self.weights = drift, weights

    def __call__(self, state, intervention):
        return torch.func.functional_call(self.drift, self.weights, (state, intervention))


def test_a_large_network_needs_only_products(monkeypatch):
    drift, edits = network(120, 5, gain=2.0), some_edits(2, 120)
    state = torch.ones(2, 120, dtype=torch.float64)
    dense = stability_margin(drift, state, edits)
    monkeypatch.setattr(stability, "DENSE_UP_TO", 10)
    iterated = stability_margin(drift, state, edits)
    torch.testing.assert_close(iterated, dense, rtol=1e-8, atol=1e-9)
    weights = list(drift.parameters())
    both = [torch.autograd.grad(margin.sum(), weights) for margin in (dense, iterated)]
    for one, other in zip(*both, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("all_at_once", [True, False])
def test_eigenvectors_belong_to_the_leading_eigenvalue(all_at_once):
    draw = torch.Generator().manual_seed(2)
    matrix = torch.randn(3, 30, 30, generator=draw, dtype=torch.float64)
    left, right = leading(DenseJacobian(matrix), all_at_once=all_at_once)
    value = (left.conj().unsqueeze(-2) @ matrix.to(left.dtype) @ right.unsqueeze(-1)).flatten()
    torch.testing.assert_close(value.real, torch.linalg.eigvals(matrix).real.amax(-1))
    torch.testing.assert_close(
        (matrix.to(right.dtype) @ right.unsqueeze(-1)).squeeze(-1), value[:, None] * right
    )


def test_a_defective_eigenvalue_is_refused():
    shear = torch.tensor([[[-1.0, 1.0], [0.0, -1.0]]], dtype=torch.float64)
    with pytest.raises(ModelError, match="defective"):
        leading(DenseJacobian(shear), all_at_once=True)


def test_the_margin_is_the_rate_of_coming_back():
    drift, edits = network(10, 2), unperturbed(1, 10)
    with torch.no_grad():
        state = rest_point(drift, edits, torch.ones(10, dtype=torch.float64)).state
        margin = stability_margin(drift, state, edits)
        carried = torch.linalg.matrix_exp(40.0 * jacobian_of(drift, state, edits).dense())
    assert carried.norm().log().item() / 40.0 == pytest.approx(margin.item(), abs=0.05)
