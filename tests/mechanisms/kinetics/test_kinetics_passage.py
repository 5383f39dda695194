"""Mean first passage times."""

from __future__ import annotations

import math

import pytest
import torch
from tests.mechanisms.kinetics.kinetic_schemes import chain, complete, drawn, ring

from pajamo.errors import ModelError, StudyError
from pajamo.mechanisms.kinetics.passage import log_mean_first_passage_time
from pajamo.mechanisms.kinetics.scheme import Scheme


def test_along_a_chain_the_closed_form_holds():
    scheme = chain(6, closed=False)
    rates = drawn(scheme, spread=2.0)
    up, down = rates[0::2].exp(), rates[1::2].exp()
    step = torch.zeros(
        5, dtype=torch.float64
    )  # time from a state to the next: t_i = (1 + down t_(i-1)) / up_i
    for i in range(5):
        step[i] = (1.0 + (down[i - 1] * step[i - 1] if i else 0.0)) / up[i]
    found = log_mean_first_passage_time(scheme, rates, ["s5"]).exp()
    torch.testing.assert_close(found[:5], step.flip(0).cumsum(0).flip(0))
    assert found[5] == 0.0


@pytest.mark.parametrize("targets", [["s2"], ["s0", "s3"]])
def test_times_equal_a_linear_solve(targets):
    scheme = complete(5)
    rates = drawn(scheme, 10)
    outside = [i for i, name in enumerate(scheme.states) if name not in targets]
    matrix = torch.zeros(10, 5, 5, dtype=torch.float64)
    for i, (source, target) in enumerate(scheme.ends):
        matrix[:, source, source] += rates[:, i].exp()
        matrix[:, source, target] -= rates[:, i].exp()
    reference = torch.linalg.solve(
        matrix[:, outside][:, :, outside], torch.ones(10, len(outside), 1).double()
    )
    found = log_mean_first_passage_time(scheme, rates, targets).exp()
    torch.testing.assert_close(found[:, outside], reference.squeeze(-1))


def test_a_walk_over_a_high_barrier_keeps_all_digits():
    scheme = chain(3, closed=False)
    rates = torch.tensor(
        [0.0, 300.0, 0.0, 0.0], dtype=torch.float64
    )  # s1 falls back e^300 times for each success
    found = log_mean_first_passage_time(scheme, rates, ["s2"])
    assert found[0].item() == pytest.approx(300.0, rel=1e-15)
    assert found[1].item() == pytest.approx(300.0, rel=1e-15)


def test_gradients_are_those_of_finite_differences_and_a_second_less_is_a_rate_more():
    scheme = ring(4)
    rates = drawn(scheme, 2).requires_grad_()

    def times(log_rates):
        return log_mean_first_passage_time(scheme, log_rates, ["s3"])[..., :3]

    assert torch.autograd.gradcheck(times, rates)
    assert torch.autograd.gradgradcheck(times, rates)
    times(rates)[:, 0].sum().backward()
    torch.testing.assert_close(rates.grad.sum(-1), torch.full((2,), -1.0, dtype=torch.float64))


def test_what_may_never_come_takes_forever():
    scheme = Scheme(("A", "B", "C", "D"), (("A", "B"), ("A", "C"), ("D", "B"), ("C", "B"), ("B", "C")))
    rates = drawn(scheme, 3).requires_grad_()
    found = log_mean_first_passage_time(scheme, rates, ["A"])
    assert (found[:, 1:] == torch.inf).all()
    trapped = rates.detach().clone()
    trapped[:, scheme.transition("C", "B")] = -torch.inf
    found = log_mean_first_passage_time(scheme, trapped, ["B"])
    assert found[:, [0, 2]].isposinf().all()  # A may fall into C
    torch.testing.assert_close(found[:, 3].exp(), (-rates[:, 2]).exp().detach())


def test_gradients_stay_finite_where_a_time_is_infinite():
    scheme = ring(3)
    rates = drawn(scheme, 2)
    rates[:, [scheme.transition("s0", "s1"), scheme.transition("s0", "s2")]] = -torch.inf
    rates.requires_grad_()
    found = log_mean_first_passage_time(scheme, rates, ["s2"])
    assert found[:, :2].isposinf().all()
    assert found[:, 2].isneginf().all()
    (-found).exp()[:, :2].sum().backward()
    assert rates.grad.isfinite().all()


def test_targets_must_be_states():
    with pytest.raises(StudyError, match="no state 'x'"):
        log_mean_first_passage_time(ring(3), torch.zeros(6), ["x"])
    with pytest.raises(ModelError, match="no target"):
        log_mean_first_passage_time(ring(3), torch.zeros(6), [])


def test_one_exponential_step_takes_its_inverse_rate():
    found = log_mean_first_passage_time(chain(2, closed=False), torch.tensor([math.log(4.0), 0.0]), ["s1"])
    assert found[0].exp().item() == pytest.approx(0.25)
