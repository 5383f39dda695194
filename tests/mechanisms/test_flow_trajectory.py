"""Batches of words: shared prefixes, ends, rest, selection, gradients."""

from __future__ import annotations

import math

import pytest
import torch
from tests.mechanisms.flow_systems import (
    BOOST,
    FINE,
    KNOCKOUT,
    linear,
    low_rank,
    segment,
    toggle,
    word,
)

from pajamo.data.history import REST, History
from pajamo.errors import ModelError
from pajamo.mechanisms.flows.resting.rest import rest_point
from pajamo.mechanisms.flows.solving.solve import Solver, integrate
from pajamo.mechanisms.flows.trajectory import (
    Flow,
    run_histories,
    run_selected,
    run_words,
    selected_mean,
    time_course,
)
from pajamo.mechanisms.flows.trajectory_prefixes import Prefixes, cut, stretches

A, B, REMAIN = segment(KNOCKOUT, time=1.0), segment(BOOST, time=2.0), segment(time=REST)


@pytest.fixture
def start():
    return torch.tensor([3.0, 1.0], dtype=torch.float64)


def one_by_one(flow, start, words):
    """The naive reference: every segment of every word in its own integration."""
    ends = []
    for one in words:
        state = start[None]
        for part in one:
            numbers = flow.intervene([part])
            state = integrate(
                lambda x, numbers=numbers: flow.drift(x, numbers),
                state,
                [part.duration],
                rtol=1e-9,
                atol=1e-11,
            )[0]
        ends.append(state[0])
    return torch.stack(ends)


def test_a_batch_equals_its_words_one_by_one(start):
    flow = toggle()
    words = [word(A, B), word(B, A), word(A), word(), word(A, B, A), word(segment(KNOCKOUT, time=2.5), B)]
    torch.testing.assert_close(
        run_words(flow, start, words), one_by_one(flow, start, words), rtol=1e-7, atol=1e-9
    )


def test_words_from_states_of_their_own():
    flow, starts = toggle(), torch.tensor([[3.0, 1.0], [1.0, 3.0]], dtype=torch.float64)
    ends = run_words(flow, starts, [word(A), word(A)])
    apart = torch.cat([run_words(flow, one, [word(A)]) for one in starts])
    torch.testing.assert_close(ends, apart)


def test_prefixes_are_shared_and_equal_words_merged():
    words = [
        word(A, B),
        word(A, A),
        word(A),
        word(segment(KNOCKOUT, time=0.5), segment(KNOCKOUT, time=0.5), B),
    ]
    prefixes = Prefixes.of(words, [0] * 4)
    assert [len(level) for level in prefixes.levels] == [2, 1]  # A for 1 and for 2; B after A
    assert prefixes.ends[0] == prefixes.ends[3] == (2, 0)
    (stretch,), resting = stretches(prefixes.levels[0])
    assert stretch.durations == (1.0, 2.0)
    assert resting == ()


def test_a_time_course_costs_as_much_as_its_last_time(start):
    calls = []

    def counted(state, numbers):
        calls.append(len(state))
        return -state

    flow = Flow(drift=counted, intervene=toggle().intervene)
    time_course(flow, start, word(A, B), [3.0])
    alone = len(calls)
    calls.clear()
    course = time_course(flow, start, word(A, B), [1.0, 1.25, 2.0, 3.0])
    assert len(calls) == alone
    assert set(calls) == {1}
    torch.testing.assert_close(
        course[:, 1], torch.exp(-torch.tensor([1.0, 1.25, 2.0, 3.0])).double(), rtol=1e-5, atol=0
    )


def test_time_counts_from_the_end_of_the_last_rest():
    assert cut(word(REMAIN, A, B), 1.5) == word(REMAIN, A, segment(BOOST, time=0.5))
    assert cut(word(A, B), 0.0) == word()
    assert cut(word(REMAIN, A), 0.0) == word(REMAIN)


@pytest.mark.parametrize("time", [3.5, -1.0])
def test_there_is_no_state_outside_a_history(time):
    with pytest.raises(ModelError, match="no state at time"):
        cut(word(REMAIN, A, B), time)


def test_segments_without_end_go_to_the_solver_of_rest_points(start):
    asked = []

    def rest(drift, numbers, states):
        asked.append((numbers.factor.clone(), states.clone()))
        return torch.full_like(states, 7.0)

    ends = run_words(toggle(rest=rest), start, [word(REMAIN), word(REMAIN, A), word(A, REMAIN)])
    assert ends[0].tolist() == [7.0, 7.0]
    assert ends[1, 0].item() == pytest.approx(7.0 * math.exp(-1.0), rel=1e-6)
    assert ends[2].tolist() == [7.0, 7.0]
    assert torch.equal(asked[0][1], start[None])
    assert len(asked) == 2


def test_rest_is_where_a_long_time_leads(start):
    flow = toggle(rest=lambda drift, numbers, states: rest_point(drift, numbers, states).state)
    knocked = segment(KNOCKOUT, time=REST)
    ends = run_words(flow, start, [word(REMAIN), word(knocked, REMAIN), word(REMAIN, A)])
    wait = segment(time=60.0)
    long = run_words(flow, start, [word(wait), word(segment(KNOCKOUT, time=60.0), wait), word(wait, A)])
    torch.testing.assert_close(ends, long, rtol=1e-6, atol=1e-7)
    assert ends[0, 0] > 3.9 > 0.1 > ends[1, 0]


def test_rest_without_a_solver_is_refused(start):
    with pytest.raises(ModelError, match="rest point"):
        run_words(toggle(), start, [word(REMAIN)])


def test_in_vivo_read_out_weighs_cells_by_how_much_they_multiplied():
    """Levels 1 and 3 do not change and cells divide at rates .1 and .3: after 5, w = exp(.5) and exp(1.5)."""
    flow = linear(torch.zeros(2, 2, dtype=torch.float64))
    starts = torch.tensor([[1.0, 0.0], [3.0, 0.0]], dtype=torch.float64)
    grown = word(segment(time=5.0))
    states, logs = run_selected(flow, starts, [grown, grown], lambda x: 0.1 * x[:, 0])
    torch.testing.assert_close(logs, torch.tensor([0.5, 1.5], dtype=torch.float64))
    mean = selected_mean(states, logs)[0].item()
    assert mean == pytest.approx((math.exp(0.5) + 3 * math.exp(1.5)) / (math.exp(0.5) + math.exp(1.5)))


def test_fitness_that_does_not_depend_on_the_state_changes_no_mean(start):
    history = History(((0.6, word(A)), (0.4, word(B))))
    flow = toggle()
    plain = run_histories(flow, start, [history])
    selected = run_histories(flow, start, [history], lambda x: 0.0 * x[:, 0])
    torch.testing.assert_close(plain, selected, rtol=1e-7, atol=1e-9)
    grown = run_histories(flow, start, [history], lambda x: x[:, 1])
    assert (grown - plain).abs().max() > 0.01


def test_selection_does_not_count_rest(start):
    flow = toggle(rest=lambda drift, numbers, states: states)
    _, logs = run_selected(flow, start, [word(REMAIN, B)], lambda x: torch.ones_like(x[:, 0]))
    assert logs.item() == pytest.approx(2.0)


def test_gradients_reach_weights_and_learned_strengths(start):
    flow, strength = low_rank(3), torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
    begin = torch.ones(3, dtype=torch.float64, requires_grad=True)

    def intervene(segments):
        numbers = flow.intervene(segments)
        factor = torch.cat([numbers.factor[:, :1] * strength, numbers.factor[:, 1:]], dim=1)
        return type(numbers)(factor, numbers.shift, numbers.held, numbers.level, numbers.medium, numbers.dose)

    def loss(solver):
        learned = Flow(drift=flow.drift, intervene=intervene, solver=solver)
        return run_words(learned, begin, [word(A), word(A, B), word(B)]).square().sum()

    wanted = [begin, strength, *flow.drift.parameters()]
    adjoint, direct = (
        torch.autograd.grad(loss(Solver(gradient=how)), wanted) for how in ("adjoint", "direct")
    )
    for one, other in zip(adjoint, direct, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)
        assert (one != 0).any()


def test_implicit_steps_by_programmes_equal_dense_ones():
    flow = low_rank(8, 2, Solver(method="implicit", rtol=1e-8, atol=1e-10))
    start = torch.ones(8, dtype=torch.float64)
    by_programmes = run_words(flow, start, [word(A, B)])
    hidden = Flow(
        drift=lambda x, numbers: flow.drift(x, numbers), intervene=flow.intervene, solver=flow.solver
    )
    torch.testing.assert_close(by_programmes, run_words(hidden, start, [word(A, B)]), rtol=1e-10, atol=1e-12)
    explicit = Flow(drift=flow.drift, intervene=flow.intervene, solver=FINE)
    torch.testing.assert_close(by_programmes, run_words(explicit, start, [word(A, B)]), rtol=1e-6, atol=1e-8)


def test_implicit_gradients_by_programmes_equal_explicit_ones():
    flow, start = low_rank(4, 1), torch.ones(4, dtype=torch.float64)
    weights = list(flow.drift.parameters())
    found = []
    for method in ("explicit", "implicit"):
        timed = Flow(drift=flow.drift, intervene=flow.intervene, solver=Solver(method=method, rtol=1e-7))
        found.append(torch.autograd.grad(run_words(timed, start, [word(A)]).sum(), weights))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)
