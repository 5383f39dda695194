"""Fluxes, entropy production and control, against conservation laws and a stochastic simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from tests.mechanisms.kinetics.kinetic_schemes import chain, complete, drawn, random_scheme, ring

from pajamo.errors import ModelError, StudyError
from pajamo.mechanisms.kinetics.cycles import cycle_affinities
from pajamo.mechanisms.kinetics.fluxes import (
    control_coefficients,
    entropy_production,
    is_detailed_balance,
    log_flux,
    log_output,
)
from pajamo.mechanisms.kinetics.occupancy import log_occupancy
from pajamo.mechanisms.kinetics.scheme import Scheme


def simulate(scheme, rates, jumps, seed):
    """Gillespie's algorithm: time in each state and how often each transition happened."""
    draw = np.random.default_rng(seed)
    leaving = [
        [i for i, source in enumerate(scheme.sources) if source == s] for s in range(len(scheme.states))
    ]
    total = [sum(rates[i] for i in choices) for choices in leaving]
    cumulated = [np.cumsum([rates[i] for i in choices]) for choices in leaving]
    state, spent, happened = 0, np.zeros(len(scheme.states)), np.zeros(len(rates))
    for wait, where in zip(draw.exponential(size=jumps), draw.random(jumps), strict=True):
        spent[state] += wait / total[state]
        chosen = leaving[state][int(np.searchsorted(cumulated[state], where * total[state]))]
        happened[chosen] += 1
        state = scheme.ends[chosen][1]
    return spent, happened


def test_a_stochastic_simulation_agrees_within_its_error():
    scheme = random_scheme(5, 5, seed=1)
    rates = drawn(scheme, seed=3)
    runs = [simulate(scheme, rates.exp().tolist(), 4000, seed) for seed in range(16)]
    shares = np.array([spent / spent.sum() for spent, _ in runs])
    fluxes = np.array([happened / spent.sum() for spent, happened in runs])
    for drawn_values, expected in (
        (shares, log_occupancy(scheme, rates).exp().numpy()),
        (fluxes, log_flux(scheme, rates).exp().numpy()),
    ):
        error = drawn_values.std(0, ddof=1) / 4.0
        assert (np.abs(drawn_values.mean(0) - expected) < 4.0 * error).all()


def test_what_flows_into_a_state_flows_out():
    scheme = complete(5)
    flux = log_flux(scheme, drawn(scheme, 20)).exp()
    net = torch.zeros(20, 5, dtype=torch.float64)
    for i, (source, target) in enumerate(scheme.ends):
        net[:, source] -= flux[:, i]
        net[:, target] += flux[:, i]
    assert net.abs().max() < 1e-14


@pytest.mark.parametrize("scheme", [chain(4), chain(9), complete(6), random_scheme(6, 5, seed=3)])
def test_control_coefficients_sum_to_one(scheme):
    outputs = [scheme.transitions[-1], scheme.transitions[0]]
    rates = drawn(scheme, 7, spread=3.0)
    torch.testing.assert_close(
        control_coefficients(scheme, rates, outputs).sum(-1), torch.ones(7, dtype=torch.float64)
    )


def test_a_rate_without_detour_controls_everything():
    scheme = Scheme(("A", "B"), (("A", "B"), ("B", "A")))
    slow = torch.tensor([math.log(1e-6), 0.0], dtype=torch.float64)
    assert control_coefficients(scheme, slow, [("B", "A")])[0].item() == pytest.approx(1.0, abs=2e-6)


def test_control_coefficients_can_be_differentiated():
    scheme = chain(4)
    rates = drawn(scheme, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda one: control_coefficients(scheme, one, [("s3", "s0")]), rates)


def test_entropy_is_what_the_cycle_dissipates():
    scheme = ring(5)
    rates = drawn(scheme, 30)
    flux = log_flux(scheme, rates).exp()
    around = flux[:, 0] - flux[:, 1]  # s0 -> s1 less s1 -> s0: the same everywhere on a ring
    force = cycle_affinities(scheme, rates)[:, 0] * _direction(scheme)
    torch.testing.assert_close(entropy_production(scheme, rates), around * force)


def _direction(scheme):
    rates = torch.tensor([1.0 if target == (source + 1) % 5 else 0.0 for source, target in scheme.ends])
    return torch.sign(cycle_affinities(scheme, rates)[0]).double()


def test_entropy_production_is_never_negative_and_infinite_without_a_way_back():
    scheme = complete(4)
    assert (entropy_production(scheme, drawn(scheme, 50, spread=3.0)) > 0).all()
    assert entropy_production(chain(4), drawn(chain(4))).isposinf()
    assert not is_detailed_balance(chain(4), drawn(chain(4)))


def test_a_chain_without_cycle_is_in_equilibrium():
    scheme = chain(6, closed=False)
    rates = drawn(scheme, 20, spread=3.0)
    assert is_detailed_balance(scheme, rates).all()
    assert entropy_production(scheme, rates).abs().max() < 1e-20


def test_transitions_between_empty_states_dissipate_nothing():
    scheme = Scheme(("D", "A", "B"), (("D", "A"), ("A", "B"), ("B", "A")))
    rates = drawn(scheme, 3).requires_grad_()
    found = entropy_production(scheme, rates)
    assert found.abs().max() < 1e-20
    assert is_detailed_balance(scheme, rates).all()
    found.sum().backward()
    assert rates.grad.isfinite().all()


def test_gradients_of_entropy_production_are_those_of_finite_differences():
    scheme = ring(3)
    rates = drawn(scheme, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda one: entropy_production(scheme, one), rates)


def test_outputs_must_be_transitions():
    scheme, rates = chain(4), torch.zeros(7)
    with pytest.raises(StudyError, match="no transition s0 -> s3"):
        log_output(scheme, rates, [("s0", "s3")])
    with pytest.raises(ModelError, match="no output"):
        log_output(scheme, rates, [])
