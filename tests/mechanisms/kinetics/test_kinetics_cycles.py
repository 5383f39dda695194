"""Cycles of a scheme and the forces around them."""

from __future__ import annotations

import pytest
import torch
from tests.mechanisms.kinetics.kinetic_schemes import chain, complete, drawn, random_scheme, ring

from pajamo.mechanisms.kinetics.cycles import cycle_affinities, cycles
from pajamo.mechanisms.kinetics.scheme import Scheme


@pytest.mark.parametrize(
    "scheme", [chain(5), chain(5, closed=False), ring(4), complete(5), random_scheme(7, 6, seed=1)]
)
def test_there_are_as_many_cycles_as_pairs_beyond_a_tree(scheme):
    found = cycles(scheme)
    assert len(found) == len(scheme.pairs) - len(scheme.states) + 1
    joined = {frozenset(ends) for ends in scheme.transitions}
    for states in found:
        assert len(set(states)) == len(states) > 2
        for ends in zip(states, (*states[1:], states[0]), strict=True):
            assert frozenset(ends) in joined


def test_the_affinity_is_the_ratio_of_products():
    scheme = ring(3)
    (states,) = cycles(scheme)
    rates = torch.arange(6, dtype=torch.float64)
    there = sum(rates[scheme.transition(states[i], states[(i + 1) % 3])] for i in range(3))
    back = sum(rates[scheme.transition(states[(i + 1) % 3], states[i])] for i in range(3))
    assert cycle_affinities(scheme, rates).tolist() == [there - back]
    scaled = cycle_affinities(scheme, rates + torch.tensor([5.0]))
    torch.testing.assert_close(scaled, cycle_affinities(scheme, rates))


def test_a_one_way_transition_closes_its_own_cycle_with_infinite_force():
    assert cycles(chain(4)) == (("s3", "s0", "s1", "s2"),)
    assert cycle_affinities(chain(4), drawn(chain(4), 3)).isposinf().all()


def test_absent_rates_make_forces_infinite_or_the_cycle_impassable():
    scheme = ring(3)
    (states,) = cycles(scheme)
    rates = drawn(scheme, 3)
    rates[0, scheme.transition(states[0], states[1])] = -torch.inf
    rates[1, scheme.transition(states[1], states[0])] = -torch.inf
    rates[2, scheme.transition(states[0], states[1])] = -torch.inf
    rates[2, scheme.transition(states[0], states[2])] = -torch.inf
    found = cycle_affinities(scheme, rates)[:, 0]
    assert found[0].isneginf()
    assert found[1].isposinf()
    assert found[2].isnan()


def test_one_state_has_no_cycle():
    scheme = Scheme(("A",), ())
    assert cycles(scheme) == ()
    assert cycle_affinities(scheme, torch.zeros(2, 0)).shape == (2, 0)
