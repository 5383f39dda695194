"""R-loops of guides of several lengths under one law: each is the chain that its own guide has, and no other."""

from __future__ import annotations

import pytest
import torch
from tests.mechanisms.test_r_loop import law_of
from torch import Tensor

from pajamo.mechanisms.kinetics.passage import log_mean_first_passage_time
from pajamo.mechanisms.r_loop import RLoop

STEPS = 6
"""The PAM and five base pairs."""


def lasting(steps: int = STEPS) -> RLoop:
    """A law whose last term says how many base pairs a guide lacks."""
    law = law_of(steps)
    incidence = torch.nn.functional.pad(law.incidence, (0, 1))
    return RLoop(law.scheme, incidence, law.log_rates, steps, law.own, (steps + 3,))


def terms_of(rows: int, fewer: Tensor, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    drawn = 2.0 * torch.randn(rows, STEPS + 3, generator=generator, dtype=torch.float64)
    return torch.cat([drawn, fewer.double()[:, None]], dim=1)


def without(terms: Tensor, fewer: int) -> Tensor:
    """The terms of a chain that was never longer."""
    return torch.cat([terms[:, : STEPS - fewer], terms[:, STEPS : STEPS + 3]], dim=1)


@pytest.mark.parametrize("fewer", [0, 1, 3])
def test_a_shorter_guide_has_the_chain_of_its_own_length(fewer: int) -> None:
    terms = terms_of(40, torch.full((40,), fewer))
    expected = law_of(STEPS - fewer)(without(terms, fewer))
    found = lasting()(terms)
    torch.testing.assert_close(found.value, expected.value, rtol=0, atol=1e-12)
    torch.testing.assert_close(found.rest, expected.rest, rtol=0, atol=1e-12)


def test_lengths_may_differ_from_pair_to_pair() -> None:
    fewer = torch.tensor([0, 2, 1, 4, 0])
    terms = terms_of(5, fewer)
    one_by_one = torch.cat([lasting()(row[None]).value for row in terms])
    torch.testing.assert_close(lasting()(terms).value, one_by_one, rtol=0, atol=1e-12)


def test_slopes_are_those_of_the_shorter_chain_and_nothing_beyond_it_counts() -> None:
    terms = terms_of(10, torch.full((10,), 2)).requires_grad_(True)
    (slopes,) = torch.autograd.grad(lasting()(terms).value[:, 1].sum(), terms)
    own = without(terms.detach(), 2).requires_grad_(True)
    (expected,) = torch.autograd.grad(law_of(STEPS - 2)(own).value[:, 1].sum(), own)
    torch.testing.assert_close(without(slopes, 2), expected, rtol=0, atol=1e-12)
    assert (slopes[:, STEPS - 2 : STEPS] == 0).all()
    assert slopes.isfinite().all()


@pytest.mark.parametrize("fewer", [0, 1, 3])
def test_the_scheme_of_a_shorter_guide_has_its_states_and_its_passage_time(fewer: int) -> None:
    terms = terms_of(20, torch.full((20,), fewer), seed=1)
    law = lasting().shorter_by(fewer)
    assert law.scheme.states[-2:] == (f"R-loop {STEPS - 1 - fewer}", "cut")
    assert len(law.scheme.transitions) == len(law.incidence) == 2 * (STEPS - fewer) + 1
    rates = law.log_transition_rates(terms)
    time = log_mean_first_passage_time(law.scheme, rates, ["cut"])[:, 0]
    torch.testing.assert_close(lasting()(terms).value[:, 1], -time, rtol=0, atol=1e-10)
    torch.testing.assert_close(law(terms).value, lasting()(terms).value, rtol=0, atol=0)


def test_base_pairs_that_a_guide_lacks_are_never_open() -> None:
    terms = terms_of(8, torch.full((8,), 2))
    whole = lasting().log_occupancies(terms).exp()
    torch.testing.assert_close(whole.sum(dim=1), torch.ones(8, dtype=torch.float64))
    assert (whole[:, STEPS - 1 :] == 0).all()
    own = lasting().shorter_by(2).log_occupancies(terms).exp()
    torch.testing.assert_close(own[:, :-1], whole[:, : own.shape[1] - 1])
