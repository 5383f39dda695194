"""Spanning trees: all of them, and the occupancies that they add up to."""

from __future__ import annotations

import pytest
import torch
from tests.mechanisms.kinetics.kinetic_schemes import (
    all_trees,
    chain,
    complete,
    drawn,
    random_scheme,
    ring,
    solved,
)

from pajamo.errors import ModelError
from pajamo.mechanisms.kinetics.scheme import Scheme
from pajamo.mechanisms.kinetics.trees import by_trees, count_trees, incidence, rooted_trees

SCHEMES = [chain(5), ring(4), complete(4), *(random_scheme(5, extra, extra) for extra in (1, 4, 7))]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_tree_is_missed_or_given_twice(scheme):
    for root in range(len(scheme.states)):
        listed = [tuple(sorted(tree)) for tree in rooted_trees(scheme, root)]
        assert len(listed) == len(set(listed))
        assert set(listed) == all_trees(scheme, root)
    assert count_trees(scheme) == len(incidence(scheme)[0])


def test_numbers_of_trees_are_those_of_the_theorem():
    assert [count_trees(complete(n)) for n in (2, 3, 4, 5, 8)] == [2, 9, 64, 625, 2_097_152]
    assert [count_trees(chain(n)) for n in (4, 8, 20)] == [10, 36, 210]
    assert [count_trees(ring(n)) for n in (3, 4, 7)] == [9, 16, 49]
    assert count_trees(Scheme(("A",), ())) == 1


@pytest.mark.parametrize("scheme", SCHEMES)
def test_trees_equal_a_linear_solve(scheme):
    rates = drawn(scheme, 3, 50)
    difference = by_trees(scheme, rates).exp() - solved(scheme, rates)
    assert difference.abs().max() < 1e-12


def test_two_states_share_their_time_as_their_rates_say():
    rates = torch.tensor([[1.0, 3.0]], dtype=torch.float64)
    share = by_trees(chain(2, closed=False), rates.log()).exp()
    torch.testing.assert_close(share, torch.tensor([[0.75, 0.25]], dtype=torch.float64))


def test_trees_can_be_differentiated_twice():
    scheme = chain(4)
    rates = drawn(scheme, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda log_rates: by_trees(scheme, log_rates), rates)
    assert torch.autograd.gradgradcheck(lambda log_rates: by_trees(scheme, log_rates), rates)


def test_too_many_trees_are_not_listed():
    with pytest.raises(ModelError, match=r"2\.1e\+06 spanning trees"):
        incidence(complete(8))


def test_rates_must_be_as_many_as_transitions():
    with pytest.raises(ModelError, match="7 transitions"):
        by_trees(chain(4), torch.zeros(3, 6))
