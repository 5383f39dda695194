"""Flows of regulators: rest, bounds, doses, feedback, and their Jacobian by programmes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import torch

from pajamo.data.history import Edit, Segment
from pajamo.mechanisms.flows.intervention import Intervention
from pajamo.mechanisms.flows.jacobian import LowRankJacobian, dense_jacobian, jacobian_of
from pajamo.mechanisms.flows.regulators import RegulatorFlow, Regulators, moved_level, moved_level_slope
from pajamo.mechanisms.flows.resting.rest import rest_point
from pajamo.mechanisms.flows.resting.stability import eigenvalues

GENES = ("a", "b", "c", "d", "e", "f", "g")
TARGETS = ("a", "b", "drug", "new")
intervene = partial(
    Intervention.of,
    components={gene: i for i, gene in enumerate(GENES)},
    media={"": 0, "other": 1},
    targets={name: i for i, name in enumerate(TARGETS)},
)


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def build(gain=0.0, size=0.3, network=None, kind_dose=-1.0):
    """Two measured genes that regulate, a drug, and a target without a column."""
    columns = size * draw(4, 7)
    columns[0, 0], columns[1, 1] = -1.5, -1.0
    columns[3] = 0.0
    own = torch.tensor([0, 1, -1, 2])
    moved = torch.tensor([-1.5, -1.0, 0.0, 0.0], dtype=torch.float64)
    dose = torch.tensor([kind_dose, kind_dose, 1.0, 0.0], dtype=torch.float64)
    levels = 1.0 + draw(2, 7, seed=1).abs()
    flow = RegulatorFlow(
        levels, torch.tensor(0.7, dtype=torch.float64), Regulators(own, moved, dose), columns,
        0.05 * draw(2, 7, seed=2), network,
    )  # fmt: skip
    with torch.no_grad():
        flow.gain.fill_(gain)
    return flow


def edited(*edits, medium=""):
    return intervene([Segment(frozenset(edits), medium)])


@pytest.mark.parametrize("gain", [0.0, 0.4])
@pytest.mark.parametrize("medium", ["", "other"])
def test_unperturbed_cells_rest_at_the_level_of_their_medium(gain, medium):
    flow = build(gain)
    level = flow.levels[[1 if medium else 0]]
    assert flow(level, edited(medium=medium)).abs().max().item() == 0.0
    away = flow(level + 0.2, edited(medium=medium))
    assert (away < 0).all() or gain > 0


def test_moved_level_has_slope_one_at_rest_and_never_falls_below_zero():
    level = torch.tensor([2.0, 0.5, 0.0], dtype=torch.float64)
    for change in (1e-6, -1e-6):
        moved = moved_level(level[:2], torch.tensor(change, dtype=torch.float64))
        torch.testing.assert_close((moved - level[:2]) / change, torch.ones(2).double(), rtol=1e-5, atol=0)
    far = moved_level(level, torch.full((3,), -50.0, dtype=torch.float64))
    assert (far >= 0).all()
    assert far.max().item() < 1e-9
    assert moved_level(level, torch.ones(3).double()).tolist() == [3.0, 1.5, 1.0]


def test_slope_is_the_derivative_of_the_moved_level():
    change = torch.linspace(-3.0, 2.0, 11, dtype=torch.float64).requires_grad_()
    level = torch.full((11,), 1.3, dtype=torch.float64)
    (found,) = torch.autograd.grad(moved_level(level, change).sum(), change)
    torch.testing.assert_close(moved_level_slope(level, change.detach()), found)


def test_columns_add_and_scale_with_the_dose():
    flow = build(size=0.01)
    with torch.no_grad():
        flow.common.zero_()
        flow.columns[0, 0], flow.columns[1, 1] = -0.01, -0.01
    level = flow.levels[:1]

    def change(*edits):
        return (flow.made(level, edited(*edits)) - level)[0]

    both = change(Edit("a"), Edit("b"))
    torch.testing.assert_close(both, change(Edit("a")) + change(Edit("b")), atol=3e-4, rtol=0)
    half = change(Edit("a", "crispri", 0.5))
    torch.testing.assert_close(half, 0.5 * change(Edit("a")), atol=3e-4, rtol=0)
    assert change(Edit("a", "crispra", 1.0))[0].item() > 0


def test_a_shift_whose_column_was_measured_is_not_counted_twice():
    flow = build(kind_dose=2.0)
    level = flow.levels[:1]
    made = flow.made(level, edited(Edit("a", "shift", 2.0)))
    expected = moved_level(level, flow.columns[:1] + flow.common[:1])
    torch.testing.assert_close(made, expected)


def test_a_shift_without_a_column_adds_its_rate_to_production():
    flow = build()
    with torch.no_grad():
        flow.common.zero_()
    drift = flow(flow.levels[:1], edited(Edit("d", "shift", 0.6)))[0]
    assert drift[3].item() == pytest.approx(0.6)
    assert drift[[0, 1, 2, 4, 5, 6]].abs().max().item() == 0.0


def test_a_target_without_a_column_gets_the_common_response_and_loses_its_own_transcript():
    flow = build()
    level = flow.levels[:1]
    made = flow.made(level, edited(Edit("new"), Edit("c")))
    assert made[0, 2].item() == 0.0
    others = [0, 1, 3, 4, 5, 6]
    torch.testing.assert_close(
        made[0, others], moved_level(level[0, others], flow.common[0, others]), rtol=1e-12, atol=0
    )


def test_activity_is_one_under_the_measured_edit_and_follows_the_transcript_without_it():
    flow, level = build(gain=0.5), build().levels[:1]
    state = level.clone()
    state[0, 0] += flow.moved[0]
    activity = flow.activity(state, level, edited())
    assert activity[0].tolist() == pytest.approx([0.5 * torch.tanh(torch.tensor(1.0)).item(), 0, 0, 0])
    assert flow.activity(state, level, edited(Edit("a")))[0, 0].item() == 1.0
    assert flow.activity(level, level, edited())[0].abs().max().item() == 0.0


def test_feedback_moves_the_rest_point_and_none_leaves_it_at_what_is_made():
    edits = edited(Edit("a"))
    for gain in (0.0, 0.3):
        flow = build(gain)
        with torch.no_grad():
            rest = rest_point(flow, edits, flow.levels[0]).state
            torch.testing.assert_close(flow.made(rest, edits), rest, rtol=1e-8, atol=1e-9)
            at_once = flow.made(flow.levels[:1], edits)
        assert torch.allclose(rest, at_once, atol=1e-9) == (gain == 0.0)


@pytest.mark.parametrize("gain", [0.0, 0.4])
def test_jacobian_by_programmes_is_that_of_automatic_differentiation(gain):
    flow = build(gain, size=0.8)
    segments = [
        Segment(), Segment(frozenset({Edit("a")})), Segment(frozenset({Edit("b", "clamp", 0.4)}), "other"),
        Segment(frozenset({Edit("d"), Edit("drug", "shift", 1.0)})),
    ]  # fmt: skip
    edits = intervene(segments)
    state = 1.0 + draw(4, 7, seed=3).abs()
    with torch.no_grad():
        found = jacobian_of(flow, state, edits)
        dense = dense_jacobian(flow, state, edits)
    assert isinstance(found, LowRankJacobian)
    torch.testing.assert_close(found.dense(), dense.dense())


def test_a_network_beside_the_regulators_has_a_dense_jacobian():
    network = torch.nn.Linear(7, 7, bias=False, dtype=torch.float64)
    flow = build(network=network)
    assert flow.low_rank_jacobian(flow.levels[:1], edited()) is None
    away = flow.levels[:1] + 0.1
    torch.testing.assert_close(
        flow.made(away, edited()), moved_level(flow.levels[:1], network(torch.full((1, 7), 0.1).double()))
    )


def test_gradients_pass_to_columns_gain_and_levels():
    flow, edits = build(gain=0.2), replace(edited(Edit("a")), shift=torch.full((1, 7), 0.01).double())
    state = (1.0 + draw(1, 7, seed=4).abs()).requires_grad_()

    def drift(state, columns, gain, levels):
        weights = {"columns": columns, "gain": gain, "levels": levels}
        return torch.func.functional_call(flow, weights, (state, edits))

    weights = [w.detach().clone().requires_grad_() for w in (flow.columns, flow.gain, flow.levels)]
    assert torch.autograd.gradcheck(drift, (state, *weights))


@pytest.mark.parametrize("gain", [0.0, 0.3, 1.5])
def test_stability_margin_is_the_leading_eigenvalue(gain):
    flow = build(gain, size=0.8)
    segments = [Segment(), Segment(frozenset({Edit("a")})), Segment(frozenset({Edit("e", "clamp", 0.4)}))]
    edits, state = intervene(segments), 1.0 + draw(3, 7, seed=6).abs()
    found = flow.stability_margin(state, edits)
    torch.testing.assert_close(found, eigenvalues(flow, state, edits).real[:, 0])
    assert gain > 1 or torch.allclose(found[1:], -flow.decay, atol=0.35)


def test_stability_margin_with_a_network_or_without_regulators():
    network = torch.nn.Linear(7, 7, bias=False, dtype=torch.float64)
    with torch.no_grad():
        network.weight.copy_(0.5 * draw(7, 7, seed=8))
    flow, edits = build(network=network), edited(Edit("a"))
    state = 1.0 + draw(1, 7, seed=9).abs()
    expected = eigenvalues(flow, state, edits).real[:, 0]
    torch.testing.assert_close(flow.stability_margin(state, edits), expected)
    nobody = Regulators(torch.tensor([-1]), torch.zeros(1).double(), torch.ones(1).double())
    deaf = RegulatorFlow(
        flow.levels.detach(), flow.decay.detach(), nobody, draw(1, 7), torch.zeros(2, 7).double()
    )
    edits = Intervention.of([Segment()], {}, {}, targets={"drug": 0})
    edits = replace(edits, factor=torch.ones(1, 7), shift=torch.zeros(1, 7), level=torch.zeros(1, 7),
                    held=torch.zeros(1, 7, dtype=torch.bool))  # fmt: skip
    assert deaf.stability_margin(state, edits).tolist() == pytest.approx([-0.7])
