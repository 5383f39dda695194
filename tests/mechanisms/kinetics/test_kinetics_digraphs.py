"""Every strongly connected graph of few states, against spanning trees by brute force; schemes that misled others."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from tests.mechanisms.kinetics.kinetic_schemes import (
    all_trees,
    chain,
    complete,
    drawn,
    exact,
    logarithm,
    solved,
)

from pajamo.mechanisms.kinetics.cycles import cycle_affinities
from pajamo.mechanisms.kinetics.elimination import by_elimination
from pajamo.mechanisms.kinetics.fluxes import control_coefficients, log_output
from pajamo.mechanisms.kinetics.occupancy import log_occupancy
from pajamo.mechanisms.kinetics.scheme import Scheme
from pajamo.mechanisms.kinetics.trees import by_trees, incidence


def graphs(states, every=1):
    """Masks of the transitions of a complete scheme that keep it strongly connected, shape (graphs, transitions)."""
    ends = complete(states).ends
    masks = np.array(
        list(itertools.islice(itertools.product((0, 1), repeat=len(ends)), 0, None, every)), dtype=bool
    )
    reach = np.broadcast_to(np.eye(states, dtype=bool), (len(masks), states, states)).copy()
    for column, (source, target) in enumerate(ends):
        reach[:, source, target] = masks[:, column]
    for _ in range(states):
        reach = reach | (reach.astype(int) @ reach.astype(int) > 0)
    return masks[reach.all(axis=(1, 2))]


def by_brute_force(states, masks, rates):
    """Occupancies as sums over the trees of the complete scheme, those with an absent transition counting nothing."""
    scheme = complete(states)
    present = np.where(masks, np.exp(rates), 0.0)
    total = np.stack(
        [
            sum(present[:, list(tree)].prod(axis=1) for tree in all_trees(scheme, root))
            for root in range(states)
        ],
        axis=1,
    )
    return total / total.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("states", "number"), [(2, 1), (3, 18), (4, 1606)])
@pytest.mark.parametrize("solve", [by_trees, by_elimination])
def test_every_strongly_connected_graph_equals_brute_force(states, number, solve):
    masks = graphs(states)
    assert len(masks) == number
    rates = np.random.default_rng(states).normal(0, 3, masks.shape)
    given = torch.as_tensor(np.where(masks, rates, -np.inf))
    found = solve(complete(states), given).exp().numpy()
    np.testing.assert_allclose(found, by_brute_force(states, masks, rates), rtol=1e-10, atol=0)


def test_graphs_of_three_states_and_some_of_four_are_right_as_schemes_of_their_own():
    for states, every in ((3, 1), (4, 16)):
        scheme, masks = complete(states), graphs(states)[::every]
        rates = np.random.default_rng(7).normal(0, 3, masks.shape)
        expected = by_brute_force(states, masks, rates)
        for mask, row, truth in zip(masks, rates, expected, strict=True):
            own = Scheme(
                scheme.states, tuple(e for e, kept in zip(scheme.transitions, mask, strict=True) if kept)
            )
            for solve in (by_trees, by_elimination):
                found = solve(own, torch.as_tensor(row[mask])).exp().numpy()
                np.testing.assert_allclose(found, truth, rtol=1e-10, atol=0)


@pytest.mark.parametrize("solve", [by_trees, by_elimination])
def test_a_sample_of_graphs_of_five_states_equals_brute_force(solve):
    masks = graphs(5, every=1999)
    assert len(masks) > 200
    rates = np.random.default_rng(5).normal(0, 3, masks.shape)
    found = solve(complete(5), torch.as_tensor(np.where(masks, rates, -np.inf))).exp().numpy()
    np.testing.assert_allclose(found, by_brute_force(5, masks, rates), rtol=1e-10, atol=0)


@pytest.mark.parametrize("solve", [by_trees, by_elimination])
@pytest.mark.parametrize("seed", range(4))
def test_twenty_states_with_rates_that_differ_by_e_to_the_forty_are_exact(solve, seed):
    scheme = chain(20)
    rates = torch.as_tensor(np.random.default_rng(seed).uniform(-20, 20, len(scheme.transitions)))
    truth = np.array([logarithm(value) for value in exact(scheme, rates.exp().tolist())])
    # Rates are rounded once when they are written as numbers: their logarithms have the exact ones' errors.
    found = solve(scheme, torch.as_tensor(rates.exp().log())).numpy()
    assert np.abs(np.expm1(found - truth)).max() < 1e-9
    assert truth.min() < -40


LADDER = ("a0", "a1", "a2", "b0", "b1", "b2")
MISLEADING = {
    "a tail with a cycle that avoids the first state": Scheme(
        ("s0", "s1", "s2", "s3"),
        (("s0", "s1"), ("s1", "s0"), ("s1", "s2"), ("s2", "s3"), ("s3", "s1"), ("s2", "s1"), ("s3", "s2")),
    ),
    "every state with every other": complete(4),
    "a ladder": Scheme(
        LADDER,
        tuple(
            ends
            for one, other in [
                ("a0", "a1"), ("a1", "a2"), ("b0", "b1"), ("b1", "b2"), ("a0", "b0"), ("a1", "b1"), ("a2", "b2"),
            ]
            for ends in ((one, other), (other, one))
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISLEADING)
def test_cycles_that_avoid_the_first_state_are_counted(name):
    """Wang's algebra over the edges of a cycle through state 0, as others have it, is wrong here by up to 0.09."""
    scheme = MISLEADING[name]
    rates = drawn(scheme, 60, spread=2.0)
    for solve in (by_trees, by_elimination):
        assert (solve(scheme, rates).exp() - solved(scheme, rates)).abs().max() < 1e-10
    trees, sizes = incidence(scheme)
    for root, size in enumerate(sizes):
        assert size == len(all_trees(scheme, root))
    assert len(trees) == sum(sizes)


def test_all_trees_of_the_state_that_makes_the_product_are_summed():
    """Of s3, several trees; the output is the rate times their sum, not times their product or the first of them."""
    scheme = complete(4)
    rates = drawn(scheme, 20, spread=2.0)
    assert incidence(scheme)[1][3] == 16
    made = [("s3", "s0")]
    expected = rates[:, scheme.transition("s3", "s0")].exp() * solved(scheme, rates)[:, 3]
    torch.testing.assert_close(log_output(scheme, rates, made).exp(), expected)
    both = expected + rates[:, scheme.transition("s1", "s2")].exp() * solved(scheme, rates)[:, 1]
    torch.testing.assert_close(log_output(scheme, rates, [*made, ("s1", "s2")]).exp(), both)


@pytest.mark.parametrize("name", MISLEADING)
def test_control_of_any_output_sums_to_one(name):
    scheme = MISLEADING[name]
    found = control_coefficients(scheme, drawn(scheme, 10, spread=3.0), [scheme.transitions[-1]])
    torch.testing.assert_close(found.sum(-1), torch.ones(10, dtype=torch.float64))


@pytest.mark.parametrize("name", ["every state with every other", "a ladder"])
def test_without_affinities_occupancies_are_those_of_equilibrium(name):
    scheme = MISLEADING[name]
    energies = torch.as_tensor(np.random.default_rng(1).normal(0, 5, (10, len(scheme.states))))
    barriers = {frozenset(ends): float(i) for i, ends in enumerate(scheme.ends)}
    rates = torch.stack([energies[:, s] - barriers[frozenset((s, t))] for s, t in scheme.ends], dim=1)
    assert cycle_affinities(scheme, rates).abs().max() < 1e-12
    torch.testing.assert_close(
        log_occupancy(scheme, rates), torch.log_softmax(-energies, 1), rtol=0, atol=1e-11
    )
