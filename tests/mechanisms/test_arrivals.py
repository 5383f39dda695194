"""A scheme whose outputs say when molecules arrive: rates of first passage, fractions, steady states beside them."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.func import vmap

from pajamo.mechanisms.kinetics.passage import Passage, log_mean_first_passage_time, log_passage_rate
from pajamo.mechanisms.kinetics.scheme import Scheme
from pajamo.mechanisms.kinetics.transient import log_arrived
from pajamo.mechanisms.steady_state import SteadyState

CUT = Scheme(("out", "open", "shut", "cut"), (
    ("out", "open"), ("open", "out"), ("open", "shut"), ("shut", "open"), ("shut", "cut"),
))  # fmt: skip
CYCLE = Scheme(CUT.states, (*CUT.transitions, ("cut", "out")))
CLEAVAGE = Passage("out", ("cut",))


def law(scheme: Scheme, outputs: int, *, passages=(), fractions=(), active=(), makes=()) -> SteadyState:
    """Terms are ln of the rates; the first output counts active states, others what the last transition makes."""
    log_rates = torch.full((outputs, len(scheme.states)), -torch.inf, dtype=torch.float64)
    for state in active:
        log_rates[0, scheme.state(state)] = 0.0
    made = torch.zeros(outputs, len(scheme.transitions), dtype=torch.bool)
    for output in makes:
        made[output, -1] = True
    incidence = torch.eye(len(scheme.transitions), dtype=torch.float64)
    return SteadyState(scheme, incidence, log_rates, makes=made, passages=passages, fractions=fractions)


def terms(scheme: Scheme, rows: int, seed: int = 0) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return 2.0 * torch.randn(rows, len(scheme.transitions), generator=draw, dtype=torch.float64)


def timed(rows: int, scheme: Scheme, *times: float) -> Tensor:
    """ln of concentrations, which are all one, and ln of times behind."""
    found = torch.zeros(rows, len(scheme.transitions) + 1, dtype=torch.float64)
    found[:, -1] = torch.tensor(times, dtype=torch.float64).log()
    return found


def test_a_passage_takes_one_over_its_mean_time():
    given = terms(CUT, 20)
    found = law(CUT, 1, passages=[CLEAVAGE])(given)
    assert found.natural == "log"
    expected = -log_mean_first_passage_time(CUT, given, ["cut"])[:, 0]
    torch.testing.assert_close(found.on("log", 0), expected)
    torch.testing.assert_close(log_passage_rate(CUT, given, CLEAVAGE), expected)


def test_one_step_is_its_own_rate():
    scheme = Scheme(("a", "b"), (("a", "b"),))
    given = torch.linspace(-20, 20, 9, dtype=torch.float64)[:, None]
    found = law(scheme, 1, passages=[Passage("a", ("b",))])(given)
    torch.testing.assert_close(found.on("log", 0), given[:, 0], rtol=1e-15, atol=0)


def test_a_rate_limiting_step_sets_the_passage():
    given = torch.tensor([[20.0, -20.0, 20.0, -20.0, math.log(1e-4)]], dtype=torch.float64)
    found = law(CUT, 1, passages=[CLEAVAGE])(given)
    assert found.on("linear", 0).item() == pytest.approx(1e-4, rel=1e-8)


def test_a_cycle_turns_over_as_often_as_its_passage_ends():
    """A cycle that begins anew where it began: its flux is one over the mean time of a turn (renewal)."""
    given = terms(CYCLE, 20)
    given[:, -1] = 60.0  # after the cut the molecule is back at once
    flux = law(CYCLE, 1, makes=[0])(given).on("log", 0)
    torch.testing.assert_close(
        flux, law(CYCLE, 1, passages=[CLEAVAGE])(given).on("log", 0), rtol=1e-12, atol=1e-12
    )


def test_doubled_rates_arrive_twice_as_fast_and_as_much_in_half_the_time():
    mechanism = law(CUT, 2, passages=[CLEAVAGE], fractions=[CLEAVAGE])
    given = terms(CUT, 6)
    one = mechanism(given, timed(6, CUT, *range(1, 7)))
    other = mechanism(given + math.log(2.0), timed(6, CUT, *(i / 2 for i in range(1, 7))))
    torch.testing.assert_close(other.value[:, 0] - one.value[:, 0], torch.full((6,), math.log(2.0)).double())
    torch.testing.assert_close(other.on("logit", 1), one.on("logit", 1), rtol=1e-11, atol=1e-11)


def test_fractions_are_bounded_and_exact_in_both_tails():
    mechanism = law(CUT, 1, fractions=[Passage("open", ("cut", "out"))])
    given, times = terms(CUT, 5), (1e-6, 0.1, 1.0, 30.0, 1e5)
    found = mechanism(given, timed(5, CUT, *times))
    arrived, waiting = log_arrived(CUT, given, "open", ["cut", "out"], torch.tensor(times).double())
    assert found.natural == "logit"
    assert mechanism.bounded
    assert not mechanism.two_level
    torch.testing.assert_close(found.value[:, 0], arrived)
    torch.testing.assert_close(found.on("logit", 0), arrived - waiting)
    assert found.on("logit", 0)[-1] > 100.0


def test_all_kinds_of_outputs_come_in_their_order():
    mechanism = law(
        CYCLE, 4, active=["shut"], makes=[1], passages=[CLEAVAGE], fractions=[Passage("out", ("shut",))]
    )
    given = terms(CYCLE, 8)
    offsets = timed(8, CYCLE, *range(1, 9))
    found = mechanism(given, offsets)
    share = mechanism.log_occupancies(given, offsets)
    torch.testing.assert_close(found.value[:, 0], share[:, 2])
    torch.testing.assert_close(found.value[:, 1], share[:, 3] + given[:, -1])
    torch.testing.assert_close(found.value[:, 2], -log_mean_first_passage_time(CYCLE, given, ["cut"])[:, 0])
    arrived, waiting = log_arrived(CYCLE, given, "out", ["shut"], torch.arange(1, 9).double())
    torch.testing.assert_close(found.value[:, 3], arrived)
    # What has no upper bound has no logit but its logarithm; the fraction has one.
    torch.testing.assert_close(found.on("logit", 2), found.on("log", 2))
    torch.testing.assert_close(found.on("logit", 3), arrived - waiting)


def test_occupancies_beside_fractions_keep_what_is_left_to_one():
    mechanism = law(CYCLE, 2, active=["shut"], fractions=[CLEAVAGE])
    given = terms(CYCLE, 8)
    found = mechanism(given)
    share = mechanism.log_occupancies(given).exp()[:, 2]
    torch.testing.assert_close(found.on("logit", 0), torch.logit(share), rtol=1e-9, atol=1e-9)


def test_without_a_time_it_is_one_unit():
    mechanism, given = law(CUT, 1, fractions=[CLEAVAGE]), terms(CUT, 4)
    torch.testing.assert_close(mechanism(given).value, mechanism(given, timed(4, CUT, 1, 1, 1, 1)).value)


def test_an_absent_transition_stops_what_needs_it():
    mechanism = law(CUT, 2, passages=[CLEAVAGE], fractions=[CLEAVAGE])
    given = terms(CUT, 3).requires_grad_(True)
    offsets = timed(3, CUT, 1.0, 1.0, 1.0)
    offsets[0, 0] = -torch.inf
    found = mechanism(given, offsets)
    assert found.value[0, 0].isneginf()
    assert found.rest[0, 1] == 0.0
    (slope,) = torch.autograd.grad(found.value[1:].sum() + found.rest.sum(), given)
    assert slope.isfinite().all()


def test_derivatives_are_exact():
    mechanism = law(CYCLE, 2, passages=[CLEAVAGE], fractions=[CLEAVAGE])
    given, offsets = terms(CYCLE, 2).requires_grad_(True), timed(2, CYCLE, 0.5, 4.0)

    def values(at: Tensor) -> tuple[Tensor, Tensor]:
        found = mechanism(at, offsets)
        return found.value, found.rest

    assert torch.autograd.gradcheck(values, (given,))
    assert torch.autograd.gradgradcheck(values, (given,))


def test_many_starts_at_once_equal_one_after_the_other():
    mechanism = law(CUT, 2, passages=[CLEAVAGE], fractions=[CLEAVAGE])
    starts, offsets = torch.stack([terms(CUT, 5, seed) for seed in range(3)]), timed(5, CUT, 1, 2, 3, 4, 5)
    together = vmap(lambda one: mechanism(one, offsets).value)(starts)
    apart = torch.stack([mechanism(one, offsets).value for one in starts])
    torch.testing.assert_close(together, apart, rtol=1e-10, atol=1e-10)
