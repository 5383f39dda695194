"""The partition function: closed forms, symmetries, limits, and derivatives that stay finite at any energy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from pajamo.mechanisms.states import PartitionFunction

LAC = torch.tensor([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 1]], dtype=torch.float64)
ACTIVE = torch.tensor([[0, 0, 1, 1]], dtype=torch.float64).log()
LEVELS = torch.tensor([[0, 0.2, 1, 3]], dtype=torch.float64).log()


def energies(rows: int, scale: float) -> Tensor:
    return torch.as_tensor(np.random.default_rng(0).normal(0, scale, (rows, 3)))


def test_the_lac_promoter_has_its_closed_form() -> None:
    terms = energies(200, 2.0)
    crp, rnap, both = (-terms).exp().unbind(dim=1)
    active = rnap + crp * rnap * both
    expected = active / (1 + crp + active)
    law = PartitionFunction(LAC, ACTIVE)
    assert law.bounded
    assert law.two_level
    assert torch.allclose(law(terms).on("linear", 0), expected, rtol=1e-13)
    assert torch.allclose(law(terms).on("logit", 0), torch.logit(expected), atol=1e-10)


def test_fitted_and_known_rates_average_over_states() -> None:
    terms = energies(50, 1.0)
    fitted = torch.cat([terms, torch.full((50, 1), 0.7)], dim=1)
    incidence = torch.nn.functional.pad(LAC, (0, 1))
    rate_terms = torch.tensor([[-1, -1, -1, 3]])
    law = PartitionFunction(incidence, LEVELS, rate_terms)
    known = PartitionFunction(LAC, torch.tensor([[0, 0.2, 1, float(np.exp(0.7))]], dtype=torch.float64).log())
    assert not law.bounded
    assert torch.allclose(law(fitted).value, known(terms).value, atol=1e-13)
    assert law(fitted).rest is None


def test_an_exact_symmetry_of_the_lac_promoter_is_kept() -> None:
    terms = energies(100, 3.0)
    crp, rnap, both = terms.unbind(dim=1)
    law = PartitionFunction(LAC, ACTIVE)
    swapped = torch.stack([-crp, rnap + both, -both], dim=1)
    assert torch.allclose(law(terms).on("logit", 0), law(swapped).on("logit", 0), atol=1e-12)


@pytest.mark.parametrize("log_rates", [ACTIVE, LEVELS])
def test_values_gradients_and_hessians_are_finite_at_any_energy(log_rates: Tensor) -> None:
    law = PartitionFunction(LAC, log_rates)
    corners = torch.cartesian_prod(*[torch.tensor([-200.0, 0.0, 200.0], dtype=torch.float64)] * 3)

    def value(terms: Tensor) -> Tensor:
        activity = law(terms[None])
        return activity.on(activity.natural, 0)[0]

    for corner in corners:
        gradient = torch.autograd.functional.jacobian(value, corner)
        assert value(corner).isfinite()
        assert gradient.isfinite().all()
        assert gradient.abs().max() <= 1 + 1e-12
        assert torch.autograd.functional.hessian(value, corner).isfinite().all()


def test_large_energies_keep_their_exact_limits() -> None:
    law = PartitionFunction(LAC, ACTIVE)
    terms = torch.tensor(
        [[0.0, 200.0, 0.0], [-200.0, 0.0, -200.0], [200.0, -200.0, 0.0]], dtype=torch.float64
    )
    assert law(terms).on("logit", 0).tolist() == pytest.approx([-200.0, 200.0, 200.0], rel=1e-12)


def test_derivatives_are_exact() -> None:
    terms = energies(3, 1.0).requires_grad_(True)
    for log_rates in (ACTIVE, LEVELS):
        law = PartitionFunction(LAC, log_rates)
        assert torch.autograd.gradcheck(lambda t, law=law: law(t).value, (terms,))
        assert torch.autograd.gradgradcheck(lambda t, law=law: law(t).value, (terms,))


def test_a_removed_state_has_no_occupancy_and_no_gradient() -> None:
    terms = energies(4, 1.0).requires_grad_(True)
    offsets = torch.zeros(4, 4, dtype=torch.float64)
    offsets[:, [1, 3]] = -torch.inf
    law = PartitionFunction(LAC, ACTIVE)
    logit = law(terms, offsets).on("logit", 0)
    assert torch.allclose(logit, -terms[:, 1], atol=1e-13)
    (gradient,) = torch.autograd.grad(logit.sum(), terms, create_graph=True)
    assert torch.equal(gradient[:, [0, 2]], torch.zeros(4, 2, dtype=torch.float64))
    (second,) = torch.autograd.grad(gradient.sum(), terms)
    assert second.isfinite().all()
    assert law.log_occupancies(terms, offsets)[:, 1].isneginf().all()


def test_without_an_active_state_the_activity_is_exactly_nought_and_flat() -> None:
    terms = energies(4, 1.0).requires_grad_(True)
    offsets = torch.zeros(4, 4, dtype=torch.float64)
    offsets[:, 2:] = -torch.inf
    activity = PartitionFunction(LAC, ACTIVE)(terms, offsets)
    assert activity.on("linear", 0).tolist() == [0.0] * 4
    (gradient,) = torch.autograd.grad(activity.on("linear", 0).sum(), terms)
    assert gradient.isfinite().all()
    silent = PartitionFunction(LAC, torch.full((1, 4), -torch.inf, dtype=torch.float64))
    assert silent(terms).on("linear", 0).tolist() == [0.0] * 4
