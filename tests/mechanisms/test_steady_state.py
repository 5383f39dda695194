"""Kinetic schemes whose rates are sums of terms: detailed balance, flux, limits, derivatives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from pajamo.mechanisms.kinetics.scheme import Scheme
from pajamo.mechanisms.states import PartitionFunction
from pajamo.mechanisms.steady_state import SteadyState

STATES = ("free", "C", "R", "CR")
BOUND = torch.tensor([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 1]], dtype=torch.float64)
ACTIVE = torch.tensor([[0, 0, 1, 1]], dtype=torch.float64).log()
FORWARD = (("free", "C"), ("free", "R"), ("C", "CR"), ("R", "CR"))
CYCLE = Scheme(STATES, FORWARD + tuple((target, source) for source, target in FORWARD))


def in_balance(log_rates: Tensor = ACTIVE, makes: Tensor | None = None) -> SteadyState:
    """The lac promoter as a cycle: terms are three energies and ln of four rates of binding."""
    incidence = torch.zeros(8, 7, dtype=torch.float64)
    for row, (source, target) in enumerate(FORWARD):
        incidence[[row, row + 4], 3 + row] = 1.0
        incidence[row + 4, :3] = BOUND[STATES.index(target)] - BOUND[STATES.index(source)]
    return SteadyState(CYCLE, incidence, log_rates, makes=makes)


def terms(rows: int, scale: float, seed: int = 0) -> Tensor:
    return torch.as_tensor(np.random.default_rng(seed).normal(0, scale, (rows, 7)))


@pytest.mark.parametrize("scale", [1.0, 10.0, 60.0])
def test_in_detailed_balance_it_equals_the_thermodynamic_mechanism(scale: float) -> None:
    given = terms(300, scale)
    kinetic, thermodynamic = in_balance(), PartitionFunction(BOUND, ACTIVE)
    assert torch.allclose(
        kinetic.log_occupancies(given), thermodynamic.log_occupancies(given[:, :3]), rtol=1e-12, atol=1e-9
    )
    logits = kinetic(given).on("logit", 0), thermodynamic(given[:, :3]).on("logit", 0)
    assert torch.allclose(*logits, rtol=1e-12, atol=1e-9)


def test_nothing_overflows_at_any_energy() -> None:
    levels = torch.tensor([-200.0, 0.0, 200.0], dtype=torch.float64)
    energies = torch.cartesian_prod(levels, levels, levels)
    given = torch.cat([energies, energies, energies[:, :1]], dim=1).requires_grad_(True)
    logit = in_balance()(given).on("logit", 0)
    (gradient,) = torch.autograd.grad(logit.sum(), given, create_graph=True)
    (second,) = torch.autograd.grad(gradient.square().sum(), given)
    assert logit.isfinite().all()
    assert gradient.isfinite().all()
    assert second.isfinite().all()
    expected = PartitionFunction(BOUND, ACTIVE)(energies).on("logit", 0)
    assert torch.allclose(logit, expected, rtol=1e-12, atol=1e-9)


def test_what_flows_in_flows_out() -> None:
    law = in_balance()
    given = terms(20, 1.5)
    given = given + 0.0
    rates = law.log_transition_rates(given, torch.as_tensor(np.random.default_rng(1).normal(0, 2, (20, 8))))
    law_rates = rates.exp()
    occupancies = law.log_occupancies(given, rates - law.log_transition_rates(given)).exp()
    balance = torch.zeros_like(occupancies)
    for number, (source, target) in enumerate(CYCLE.ends):
        flow = law_rates[:, number] * occupancies[:, source]
        balance[:, source] -= flow
        balance[:, target] += flow
    assert balance.abs().max() <= 1e-12 * law_rates.max()


def test_flux_is_rate_times_occupancy() -> None:
    makes = torch.tensor([[False] * 6 + [True, True], [False] * 8])
    law = in_balance(torch.cat([torch.full((1, 4), -torch.inf, dtype=torch.float64), ACTIVE]), makes)
    given = terms(30, 1.0)
    rates, occupancies = law.log_transition_rates(given).exp(), law.log_occupancies(given).exp()
    activity = law(given)
    assert activity.natural == "log"
    # The transitions CR -> C and CR -> R both leave the state in which both are bound.
    expected = (rates[:, 6] + rates[:, 7]) * occupancies[:, 3]
    assert torch.allclose(activity.on("linear", 0), expected, rtol=1e-12)
    assert torch.allclose(activity.on("linear", 1), occupancies[:, 2:].sum(dim=1), rtol=1e-12)


def test_derivatives_are_exact() -> None:
    makes = torch.tensor([[False] * 7 + [True]])
    given = terms(2, 1.0).requires_grad_(True)
    for law in (in_balance(), in_balance(torch.full((1, 4), -torch.inf, dtype=torch.float64), makes)):
        assert torch.autograd.gradcheck(lambda t, law=law: law(t).value, (given,))
        assert torch.autograd.gradgradcheck(lambda t, law=law: law(t).value, (given,))


def test_an_absent_regulator_removes_its_transitions() -> None:
    law = in_balance()
    given = terms(5, 1.0).requires_grad_(True)
    offsets = torch.zeros(5, 8, dtype=torch.float64)
    # Binding of CRP, to the free promoter and to the one with RNAP, needs CRP.
    offsets[:, [0, 3]] = -torch.inf
    logit = law(given, offsets).on("logit", 0)
    (gradient,) = torch.autograd.grad(logit.sum(), given)
    assert torch.allclose(logit, -given[:, 1], atol=1e-12)
    assert gradient.isfinite().all()


def test_a_telegraph_promoter_has_its_closed_form() -> None:
    scheme = Scheme(("off", "on"), (("off", "on"), ("on", "off")))
    law = SteadyState(
        scheme,
        torch.eye(2, dtype=torch.float64),
        torch.full((1, 2), -torch.inf, dtype=torch.float64),
        makes=torch.tensor([[False, True]]),
    )
    on, off = torch.tensor([[0.3, 2.0]], dtype=torch.float64).unbind(dim=1)
    found = law(torch.stack([on, off], dim=1).log()).on("linear", 0)
    assert float(found) == pytest.approx(float(on * off / (on + off)), rel=1e-13)


def test_schemes_with_too_many_trees_are_as_exact() -> None:
    names = tuple("abcde")
    scheme = Scheme(names, tuple((one, other) for one in names for other in names if one != other))
    incidence = torch.zeros(20, 5, dtype=torch.float64)
    for row, (source, target) in enumerate(scheme.ends):
        # k = exp((G_source - G_target) / 2) is in detailed balance.
        incidence[row, source], incidence[row, target] = 0.5, -0.5
    active = torch.tensor([[0, 0, 1, 0, 1]], dtype=torch.float64).log()
    kinetic, thermodynamic = (
        SteadyState(scheme, incidence, active),
        PartitionFunction(torch.eye(5).double(), active),
    )
    given = torch.as_tensor(np.random.default_rng(2).normal(0, 40, (50, 5)))
    assert torch.allclose(kinetic(given).on("logit", 0), thermodynamic(given).on("logit", 0), atol=1e-9)
    few = (given[:2] / 40).requires_grad_(True)
    assert torch.autograd.gradcheck(lambda t: kinetic(t).value, (few,))
    assert torch.autograd.gradgradcheck(lambda t: kinetic(t).value, (few,))
