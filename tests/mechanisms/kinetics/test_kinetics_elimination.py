"""Elimination: as accurate for the smallest occupancy as for the largest, in values and in gradients."""

from __future__ import annotations

import math

import pytest
import torch
from tests.mechanisms.kinetics.kinetic_schemes import (
    chain,
    complete,
    drawn,
    exact,
    logarithm,
    random_scheme,
    ring,
    solved,
)
from torch.func import hessian, jacfwd, jacrev, vmap

from pajamo.errors import ModelError
from pajamo.mechanisms.kinetics.elimination import by_elimination
from pajamo.mechanisms.kinetics.occupancy import TREES_UP_TO, log_occupancy
from pajamo.mechanisms.kinetics.scheme import Scheme
from pajamo.mechanisms.kinetics.trees import by_trees, count_trees

SCHEMES = [chain(4), chain(12), ring(6), complete(5), *(random_scheme(6, extra, extra) for extra in (2, 6))]
WAYS = [by_trees, by_elimination]
INFINITY = torch.inf


@pytest.mark.parametrize("scheme", SCHEMES)
def test_elimination_equals_trees_and_so_do_gradients(scheme):
    rates = drawn(scheme, 2, 30, spread=3.0).requires_grad_()
    found = [solve(scheme, rates) for solve in WAYS]
    torch.testing.assert_close(*found, rtol=1e-12, atol=1e-12)
    sent = torch.randn(found[0].shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    slopes = [torch.autograd.grad(one, rates, sent)[0] for one in found]
    torch.testing.assert_close(*slopes, rtol=0, atol=1e-12)


def test_elimination_equals_a_linear_solve_on_a_complete_scheme():
    rates = drawn(complete(9), 20)
    difference = by_elimination(complete(9), rates).exp() - solved(complete(9), rates)
    assert difference.abs().max() < 1e-12


@pytest.mark.parametrize("seed", range(3))
def test_the_smallest_occupancies_of_twenty_states_are_exact(seed):
    scheme = chain(20)
    rates = drawn(scheme, spread=3.0, seed=seed).exp()
    truth = [logarithm(value) for value in exact(scheme, rates.tolist())]
    for solve in WAYS:
        error = (solve(scheme, rates.log()) - torch.tensor(truth, dtype=torch.float64)).expm1().abs()
        assert error.max() < 1e-12
    assert min(truth) < -15.0


def test_gradients_of_tiny_occupancies_are_those_of_exact_differences():
    scheme, step = chain(8), 2.0**-20
    rates = drawn(scheme, spread=3.0, seed=5).exp()
    logs = rates.log().requires_grad_()
    smallest = int(by_elimination(scheme, logs).argmin())
    (slope,) = torch.autograd.grad(by_elimination(scheme, logs)[smallest], logs)
    for i in range(len(rates)):
        ends = [rates.tolist(), rates.tolist()]
        ends[0][i] *= 1.0 - step
        ends[1][i] *= 1.0 + step
        low, high = (exact(scheme, end)[smallest] for end in ends)
        expected = math.log1p(float((high - low) / low)) / (math.log1p(step) - math.log1p(-step))
        assert slope[i].item() == pytest.approx(expected, abs=1e-9)


def test_first_and_second_derivatives_are_those_of_finite_differences():
    scheme = complete(3)
    rates = drawn(scheme, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda log_rates: by_elimination(scheme, log_rates), rates)
    assert torch.autograd.gradgradcheck(lambda log_rates: by_elimination(scheme, log_rates), rates)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")  # torch's own use
@pytest.mark.parametrize("twice", [hessian, lambda f: jacfwd(jacfwd(f)), lambda f: jacrev(jacrev(f))])
def test_functional_transforms_give_the_same_second_derivatives(twice):
    scheme = chain(4)
    rates = drawn(scheme, 3)
    found = [vmap(twice(lambda one, solve=solve: solve(scheme, one)[1]))(rates) for solve in WAYS]
    torch.testing.assert_close(*found, rtol=0, atol=1e-13)


@pytest.mark.parametrize("solve", WAYS)
@pytest.mark.parametrize("size", [200.0, 5000.0])
def test_extreme_rates_neither_overflow_nor_lose_their_gradients(solve, size):
    scheme = random_scheme(6, 6, seed=2)
    rates = (size * drawn(scheme, 40).sign()).requires_grad_()
    found = solve(scheme, rates)
    found.sum().backward()
    assert found.isfinite().all()
    assert rates.grad.isfinite().all()
    torch.testing.assert_close(found.logsumexp(-1).abs().max().item(), 0.0, rtol=0, atol=1e-9)
    assert rates.grad.sum(-1).abs().max() < 1e-9  # a change of the unit of time changes nothing


@pytest.mark.parametrize("solve", WAYS)
def test_extreme_energies_give_exact_occupancies(solve):
    scheme = chain(5, closed=False)
    energies = torch.tensor([0.0, 200.0, -200.0, 200.0, 0.0], dtype=torch.float64)
    rates = torch.stack([energies[source] for source in scheme.sources])  # every pair has one barrier
    expected = -energies - torch.logsumexp(-energies, 0)
    torch.testing.assert_close(solve(scheme, rates), expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("solve", WAYS)
def test_the_unit_of_time_does_not_matter(solve):
    scheme = random_scheme(6, 5, seed=4)
    rates = drawn(scheme, 10, spread=2.0)
    torch.testing.assert_close(solve(scheme, rates + 123.0), solve(scheme, rates), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("solve", WAYS)
def test_absent_transitions_are_those_of_a_smaller_scheme(solve):
    scheme, smaller = complete(4), ring(4)
    full = torch.full((5, len(scheme.transitions)), -INFINITY, dtype=torch.float64)
    used = [scheme.transitions.index(ends) for ends in smaller.transitions]
    rates = drawn(smaller, 5)
    full[:, used] = rates
    full.requires_grad_()
    found = solve(scheme, full)
    torch.testing.assert_close(found, solve(smaller, rates), rtol=1e-12, atol=1e-12)
    found[:, 1].sum().backward()
    assert full.grad.isfinite().all()
    assert full.grad[:, [i for i in range(len(scheme.transitions)) if i not in used]].abs().max() == 0.0


@pytest.mark.parametrize("solve", WAYS)
def test_every_state_may_be_the_only_one_that_is_occupied(solve):
    scheme = ring(4)
    for sink in range(4):
        rates = drawn(scheme, 3, seed=sink)
        for i in range(len(scheme.transitions)):
            if scheme.sources[i] == sink:
                rates[:, i] = -INFINITY
        rates.requires_grad_()
        found = solve(scheme, rates)
        expected = torch.full((3, 4), -INFINITY, dtype=torch.float64)
        expected[:, sink] = 0.0
        torch.testing.assert_close(found, expected)
        found.exp().sum().backward()
        assert rates.grad.abs().max() < 1e-12


@pytest.mark.parametrize("solve", WAYS)
def test_two_of_four_states_may_be_transient_in_some_rows_only(solve):
    scheme = ring(4)
    rates = drawn(scheme, 2)
    for ends in (("s1", "s2"), ("s0", "s3")):
        rates[1, scheme.transition(*ends)] = -INFINITY
    found = solve(scheme, rates.requires_grad_())
    assert found[0].isfinite().all()
    assert found[1, 2:].isneginf().all()
    two = rates[1, [scheme.transition("s1", "s0"), scheme.transition("s0", "s1")]]
    torch.testing.assert_close(found[1, :2], torch.log_softmax(two, 0))
    (slope,) = torch.autograd.grad(found[1, 0], rates)
    assert slope.isfinite().all()
    assert slope[1, scheme.transition("s1", "s0")].item() == pytest.approx(found[1, 1].exp().item())


@pytest.mark.parametrize("solve", WAYS)
def test_a_row_without_unique_steady_state_is_refused_and_its_sets_are_named(solve):
    scheme = chain(4, closed=False)
    rates = drawn(scheme, 3)
    rates[1, [scheme.transition("s1", "s2"), scheme.transition("s2", "s1")]] = -INFINITY
    with pytest.raises(ModelError) as caught:
        vmap(lambda one: solve(scheme, one))(rates)
    assert "{s0, s1}" in caught.value.why
    assert "s2 -> s1" in caught.value.where


@pytest.mark.parametrize("solve", WAYS)
def test_transient_states_of_a_scheme_are_empty(solve):
    scheme = Scheme(("D", "A", "B"), (("D", "A"), ("A", "B"), ("B", "A")))
    rates = drawn(scheme, 4).requires_grad_()
    found = solve(scheme, rates)
    assert found[:, 0].isneginf().all()
    torch.testing.assert_close(found[:, 1:], torch.log_softmax(rates[:, [2, 1]], -1))
    found[:, 1].sum().backward()
    assert rates.grad[:, 0].abs().max() < 1e-15


def test_the_way_is_chosen_by_the_number_of_trees():
    for scheme in (chain(4), complete(6)):
        rates = drawn(scheme, 3)
        solve = by_trees if count_trees(scheme) <= TREES_UP_TO else by_elimination
        assert torch.equal(log_occupancy(scheme, rates), solve(scheme, rates))
    assert count_trees(chain(4)) < TREES_UP_TO < count_trees(complete(6))


@pytest.mark.parametrize("solve", WAYS)
@pytest.mark.parametrize("rows", [(), (0,), (2, 0, 3), (1,)])
def test_any_shape_of_rows(solve, rows):
    assert solve(chain(4), drawn(chain(4), *rows)).shape == (*rows, 4)
    assert solve(Scheme(("A",), ()), torch.zeros(*rows, 0)).shape == (*rows, 1)


@pytest.mark.parametrize("solve", WAYS)
def test_single_precision_keeps_its_digits(solve):
    rates = drawn(chain(8), 50, spread=3.0)
    found = solve(chain(8), rates.float())
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), solve(chain(8), rates), rtol=1e-5, atol=1e-4)
