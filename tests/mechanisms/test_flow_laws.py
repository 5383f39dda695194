"""The laws of the operator F(perturbation, medium, time), on numbers."""

from __future__ import annotations

import pytest
import torch
from tests.mechanisms.flow_systems import BOOST, KNOCKOUT, low_rank, segment, toggle, word

from pajamo.data.history import Edit, History
from pajamo.mechanisms.flows.commutator import both_orders, leading_commutator
from pajamo.mechanisms.flows.solving.solve import Solver
from pajamo.mechanisms.flows.trajectory import run_histories, run_words, time_course

BASAL = torch.tensor([3.999, 0.0616], dtype=torch.float64)
OTHER = BASAL.flip(0)


@pytest.fixture
def start():
    return torch.tensor([3.0, 1.0], dtype=torch.float64)


def test_no_time_is_the_identity(start):
    ends = run_words(toggle(), start, [word(), word(segment(KNOCKOUT, time=0.0))])
    assert torch.equal(ends, start.expand(2, 2))


def test_two_stretches_of_the_same_operator_are_one(start):
    flow = toggle()
    half = run_words(flow, start, [word(segment(KNOCKOUT, time=0.7))])
    whole = run_words(flow, start, [word(segment(KNOCKOUT, time=1.9))])
    composed = run_words(flow, half, [word(segment(KNOCKOUT, time=1.2))])
    torch.testing.assert_close(composed, whole, rtol=1e-8, atol=1e-9)


def test_commutator_is_of_second_order(start):
    """F_b F_a - F_a F_b = h^2 (Df_b f_a - Df_a f_b) + O(h^3): the error of the leading term falls as h."""
    flow, edits = toggle(Solver(rtol=1e-13, atol=1e-15)), (KNOCKOUT, BOOST)
    leading = leading_commutator(
        flow.drift, start[None], *(flow.intervene([segment(edit)]) for edit in edits)
    )
    errors = []
    for h in (1e-1, 1e-2, 1e-3):
        there, back = both_orders(flow, start[None], *(segment(edit, time=h) for edit in edits))
        errors.append(((there - back) / h**2 - leading).norm().item() / leading.norm().item())
    assert errors[0] < 0.3
    assert errors[0] / errors[1] == pytest.approx(10, rel=0.15)
    assert errors[1] / errors[2] == pytest.approx(10, rel=0.15)


def test_perturb_then_differentiate_is_not_differentiate_then_perturb():
    knockdown = Edit("x", "crispri", 0.7)
    perturb_first = word(segment(knockdown, time=3.0), segment(knockdown, medium="differentiating", time=5.0))
    differentiate_first = word(
        segment(medium="differentiating", time=5.0), segment(knockdown, medium="differentiating", time=3.0)
    )
    ends = run_words(toggle(), BASAL, [perturb_first, differentiate_first])
    assert ends[0, 1] > 5.5
    assert (ends[0] - ends[1]).norm() > 0.1


def test_a_transient_edit_can_leave_its_trace_for_ever():
    """After 60 units without any edit: 6 units of knockout end in the other attractor, 1 unit returns."""
    long, short = (word(segment(KNOCKOUT, time=t), segment(time=60.0)) for t in (6.0, 1.0))
    ends = run_words(toggle(), BASAL, [long, short])
    torch.testing.assert_close(ends, torch.stack([OTHER, BASAL]), rtol=0, atol=2e-3)


def test_an_edit_that_persists_gives_another_state_than_one_that_is_washed_out():
    persists = word(segment(KNOCKOUT, time=2.0), segment(KNOCKOUT, BOOST, time=2.0))
    washed_out = word(segment(KNOCKOUT, time=2.0), segment(BOOST, time=2.0))
    ends = run_words(toggle(), BASAL, [persists, washed_out])
    assert ends[0, 0] < 0.1 < 0.15 < ends[1, 0]


def test_knockout_decays_as_its_closed_form(start):
    ends = time_course(toggle(), start, word(segment(KNOCKOUT, time=5.0)), [0.5, 2.0, 5.0])
    expected = 3.0 * torch.exp(-torch.tensor([0.5, 2.0, 5.0], dtype=torch.float64))
    torch.testing.assert_close(ends[:, 0], expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("method", ["explicit", "implicit"])
@pytest.mark.parametrize("edit", [KNOCKOUT, Edit("x", "crispra", 3.0), Edit("x", "crispri", 0.9)])
def test_levels_stay_positive(edit, method):
    flow = low_rank(solver=Solver(method=method))
    start = torch.tensor([0.0, 1e-3, 5.0, 0.0, 1.0, 100.0], dtype=torch.float64)
    ends = time_course(flow, start, word(segment(edit, time=30.0)), [0.01, 0.1, 1.0, 10.0, 30.0])
    assert (ends >= -1e-8).all()


@pytest.mark.parametrize("method", ["explicit", "implicit"])
def test_a_clamp_holds(method):
    flow, clamp = low_rank(solver=Solver(method=method)), Edit("y", "clamp", 2.5)
    start = torch.ones(6, dtype=torch.float64)
    ends = time_course(flow, start, word(segment(clamp, time=4.0)), [0.0, 1.0, 4.0])
    torch.testing.assert_close(ends[1:, 1], torch.full((2,), 2.5, dtype=torch.float64))
    free = time_course(flow, start, word(segment(clamp, time=1.0), segment(time=9.0)), [10.0])
    assert abs(free[0, 1].item() - 2.5) > 0.1


def test_incomplete_editing_is_a_mixture_of_cells(start):
    """E[change] = efficiency times the change of edited cells, not the change at a weaker edit."""
    flow, edited, unedited = toggle(), word(segment(KNOCKOUT, time=2.0)), word(segment(time=2.0))
    mixed = run_histories(flow, start, [History(((0.7, edited), (0.3, unedited)))])[0]
    full, none = run_words(flow, start, [edited, unedited])
    torch.testing.assert_close(mixed - none, 0.7 * (full - none))
