"""An R-loop in closed form: the same as its scheme solved step by step, and what physics asks of it."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from pajamo.config.assays.kinetic import r_loop
from pajamo.mechanisms.kinetics.fluxes import log_output
from pajamo.mechanisms.kinetics.passage import log_mean_first_passage_time
from pajamo.mechanisms.kinetics.scheme import Scheme
from pajamo.mechanisms.r_loop import RLoop

STEPS = 5
"""The PAM and four base pairs."""


def law_of(steps: int) -> RLoop:
    made = r_loop(steps - 1, None)
    ends = tuple(tuple(name.split("->")) for name in made["transitions"])
    scheme = Scheme(made["states"], ends)
    place = {state: number for number, state in enumerate(scheme.states)}
    incidence = torch.zeros(len(ends), steps + 3, dtype=torch.float64)
    paces = ["binding", "zipping", "cutting"]
    for row, ((source, target), transition) in enumerate(
        zip(ends, made["transitions"].values(), strict=True)
    ):
        incidence[row, steps + paces.index(transition["of"])] = 1.0
        if place[target] < place[source]:
            incidence[row, place[target]] = 1.0
    log_rates = torch.full((2, len(scheme.states)), -torch.inf, dtype=torch.float64)
    log_rates[0, 1:-1] = 0.0
    return RLoop(scheme, incidence, log_rates, steps)


def terms_of(rows: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 3.0 * torch.randn(rows, STEPS + 3, generator=generator, dtype=torch.float64)


def test_cleavage_is_one_over_the_mean_time_to_the_cut() -> None:
    law, terms = law_of(STEPS), terms_of(50)
    rates = law.log_transition_rates(terms)
    reference = -log_mean_first_passage_time(law.scheme, rates, ["cut"])[:, 0]
    torch.testing.assert_close(law(terms).value[:, 1], reference, rtol=0, atol=1e-10)


def test_cleavage_is_the_flux_of_the_cycle_in_which_a_cut_starts_anew() -> None:
    law, terms = law_of(STEPS), terms_of(20, seed=1)
    last = law.scheme.states[-2]
    around = [*law.scheme.transitions]
    around[law.scheme.transition(last, "cut")] = (last, "unbound")
    cycle = Scheme(law.scheme.states[:-1], tuple(around))
    flux = log_output(cycle, law.log_transition_rates(terms), [(last, "unbound")])
    torch.testing.assert_close(law(terms).value[:, 1], flux, rtol=0, atol=1e-10)


def test_binding_is_at_equilibrium_and_its_complement_is_exact_far_out() -> None:
    law, terms = law_of(STEPS), terms_of(30, seed=2)
    activity = law(terms)
    held = law.log_occupancies(terms)
    torch.testing.assert_close(held.exp().sum(dim=1), torch.ones(30, dtype=torch.float64))
    torch.testing.assert_close(activity.value[:, 0], torch.logsumexp(held[:, 1:], dim=1))
    torch.testing.assert_close(activity.rest[:, 0], held[:, 0])
    terms[:, 0] = -200.0
    assert float(law(terms).rest[:, 0].detach().max()) < -100


def test_concentration_speeds_up_binding_and_stabilises_what_is_bound() -> None:
    law, terms = law_of(STEPS), terms_of(10, seed=3)
    ten = torch.zeros(10, len(law.scheme.transitions), dtype=torch.float64)
    ten[:, 0] = math.log(10.0)
    faster = terms.clone()
    faster[:, 0] -= math.log(10.0)
    faster[:, STEPS] += math.log(10.0)
    torch.testing.assert_close(law(terms, ten).value, law(faster).value)
    reference = -log_mean_first_passage_time(law.scheme, law.log_transition_rates(terms, ten), ["cut"])[:, 0]
    torch.testing.assert_close(law(terms, ten).value[:, 1], reference)


@pytest.mark.parametrize("energy", [-200.0, 200.0])
def test_nothing_overflows_at_200_kT(energy: float) -> None:
    law, terms = law_of(STEPS), terms_of(4, seed=4)
    terms[:, :STEPS] = energy
    terms.requires_grad_(True)
    value = law(terms).value
    (slope,) = torch.autograd.grad(value.sum(), terms)
    assert torch.isfinite(value).all()
    assert torch.isfinite(slope).all()


def test_control_sums_to_one_and_derivatives_are_right() -> None:
    law, terms = law_of(STEPS), terms_of(3, seed=5).requires_grad_(True)
    assert torch.autograd.gradcheck(lambda given: law(given).value, terms)
    (slope,) = torch.autograd.grad(law(terms).value[:, 1].sum(), terms)
    # All rates together set the unit of time; energies do not.
    torch.testing.assert_close(slope[:, STEPS:].sum(dim=1), torch.ones(3, dtype=torch.float64))


@pytest.mark.parametrize(("cutting", "level", "slope"), [(-400.0, 20.0, -1.0), (40.0, -40.0, 0.0)])
def test_energies_count_whole_where_cutting_is_slow_and_not_at_all_where_binding_is(
    cutting: float, level: float, slope: float
) -> None:
    law, terms = law_of(STEPS), torch.full((1, STEPS + 3), level, dtype=torch.float64)
    terms[:, STEPS:] = torch.tensor([0.0, 0.0, cutting])
    terms.requires_grad_(True)
    (found,) = torch.autograd.grad(law(terms).value[:, 1].sum(), terms)
    expected = torch.full((STEPS,), slope, dtype=torch.float64)
    torch.testing.assert_close(found[0, :STEPS], expected, rtol=0, atol=1e-6)
