"""Gradients through an integration: exact, complete, and in memory that does not grow with time."""

from __future__ import annotations

import weakref

import pytest
import torch

from pajamo.errors import ModelError
from pajamo.mechanisms.flows.solving.solve import integrate

BOTH = pytest.mark.parametrize("method", ["explicit", "implicit"])
FINE = {"rtol": 1e-9, "atol": 1e-11}


def saturating(state, weights):
    return torch.tanh(state @ weights) - state


@pytest.fixture
def given():
    generator = torch.Generator().manual_seed(0)
    start = torch.rand(2, 2, generator=generator, dtype=torch.float64)
    weights = torch.randn(2, 2, generator=generator, dtype=torch.float64)
    return start.requires_grad_(), weights.requires_grad_()


@BOTH
def test_gradients_equal_finite_differences(given, method):
    times = torch.tensor([[0.0, 0.2], [0.5, 0.6], [0.5, 1.0]])

    def states(start, weights):
        return integrate(saturating, start, times, method=method, arguments=(weights,), rtol=1e-7)

    torch.autograd.gradcheck(states, given, atol=1e-6, fast_mode=True)


@BOTH
def test_adjoint_equals_plain_differentiation_of_every_step(given, method):
    def gradients(gradient):
        states = integrate(
            saturating, given[0], [0.3, 4.0], method=method, arguments=given[1:], gradient=gradient, rtol=1e-4
        )
        return torch.autograd.grad(states.sin().sum(), given)

    for one, other in zip(gradients("adjoint"), gradients("direct"), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


def test_gradient_of_a_linear_flow_is_its_exponential():
    rate = torch.tensor([[-1.0, 3.0], [0.0, -2.0]], dtype=torch.float64)
    start = torch.ones(1, 2, dtype=torch.float64, requires_grad=True)
    end = integrate(lambda x: x @ rate.T, start, [1.5], **FINE)
    (found,) = torch.autograd.grad(end[0, 0, 0], start)
    torch.testing.assert_close(found[0], torch.matrix_exp(1.5 * rate)[0], rtol=1e-7, atol=1e-9)


def test_gradients_stay_finite_over_many_lifetimes():
    """Integrated backwards, a decay over 60 lifetimes would have grown by e^60."""
    decay = torch.tensor([1.0], dtype=torch.float64, requires_grad=True)
    start = torch.tensor([[5.0]], dtype=torch.float64, requires_grad=True)
    end = integrate(lambda x, d: 2.0 - d * x, start, [60.0], arguments=(decay,), **FINE)
    by_start, by_decay = torch.autograd.grad(end.sum(), (start, decay))
    assert abs(by_start.item()) < 1e-9
    assert by_decay.item() == pytest.approx(-2.0, abs=1e-6)


def test_gradient_reaches_only_the_rows_that_were_asked(given):
    states = integrate(saturating, given[0], [2.0], arguments=given[1:])
    (found,) = torch.autograd.grad(states[0, 1].sum(), given[0])
    assert (found[0] == 0).all()
    assert (found[1] != 0).all()


def test_weights_of_a_module_are_found():
    torch.manual_seed(0)
    drift = torch.nn.Sequential(torch.nn.Linear(2, 2, dtype=torch.float64), torch.nn.Tanh())
    start = torch.ones(1, 2, dtype=torch.float64)
    found, expected = [], []
    for gradient, where in (("adjoint", found), ("direct", expected)):
        end = integrate(drift, start, [1.0], gradient=gradient).sum()
        where.extend(torch.autograd.grad(end, list(drift.parameters())))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)
        assert (one != 0).any()


def test_tensors_that_were_not_declared_are_not_lost(given):
    start, weights = given
    declared = integrate(saturating, start, [1.0], arguments=(weights,)).sum()
    hidden = integrate(lambda x: saturating(x, weights), start, [1.0]).sum()
    for one, other in zip(
        torch.autograd.grad(hidden, given), torch.autograd.grad(declared, given), strict=True
    ):
        torch.testing.assert_close(one, other)
    with pytest.raises(ModelError, match="not told about"):
        integrate(lambda x: saturating(x, weights), start, [1.0], gradient="adjoint")


def test_second_derivatives_of_the_direct_gradient(given):
    def end(start):
        return integrate(saturating, start, [0.5], arguments=given[1:], gradient="direct", rtol=1e-7)

    torch.autograd.gradgradcheck(end, given[:1], atol=1e-5, fast_mode=True)


@pytest.mark.parametrize(("method", "gradient"), [("implicit", "direct"), ("explicit", "adjoint")])
def test_second_derivatives_are_refused_where_they_would_be_wrong(given, method, gradient):
    start, weights = given
    end = integrate(
        saturating, start, [0.5], method=method, arguments=(weights,), gradient=gradient, rtol=1e-3
    )
    with pytest.raises(ModelError, match="once, not twice"):
        torch.autograd.grad(end.sum(), start, create_graph=True)


def test_without_gradients_nothing_is_kept(given):
    with torch.no_grad():
        assert not integrate(saturating, given[0], [1.0], arguments=given[1:]).requires_grad


class Kept:
    """Counts what the backward pass could still ask for, in numbers, now and at most."""

    def __init__(self) -> None:
        self.packed, self.now, self.most = 0, 0, 0

    def pack(self, tensor):
        self.packed += 1
        self.now += tensor.numel()
        self.most = max(self.most, self.now)
        holder = _Holder(tensor)
        weakref.finalize(holder, self.release, tensor.numel())
        return holder

    def release(self, size):
        self.now -= size


class _Holder:
    def __init__(self, tensor) -> None:
        self.tensor = tensor


def kept(gradient, time, components=50):
    """What is kept after the forward pass, and the peak of both passes, over an oscillation of that duration."""
    start = torch.ones(1, components, dtype=torch.float64, requires_grad=True)
    turn = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)

    def swing(state, speed):
        one, other = state.chunk(2, dim=1)
        return speed * torch.cat([other, -torch.sin(one)], dim=1)

    count = Kept()
    with torch.autograd.graph.saved_tensors_hooks(count.pack, lambda holder: holder.tensor):
        end = integrate(swing, start, [time], arguments=(turn,), gradient=gradient).sum()
        after_forward = count.packed
        torch.autograd.grad(end, (start, turn))
    return after_forward, count.most


def test_memory_does_not_grow_with_the_duration():
    (few, short), (many, long) = kept("adjoint", 2.0), kept("adjoint", 40.0)
    assert few == many <= 6
    assert long < 1.5 * short
    (few, short), (many, long) = kept("direct", 2.0), kept("direct", 40.0)
    assert many > 10 * few
    assert long > 10 * short
