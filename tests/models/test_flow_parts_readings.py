"""What a flow lets its users read: network, rest points, attractors, orders, delays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.models.flow_screens import DIFFERENTIATE_FIRST, PERTURB_FIRST, protocol

from pajamo.data.conditions import Condition
from pajamo.data.history import Edit, Segment
from pajamo.errors import ModelError
from pajamo.mechanisms.flows.sensitivity import editing_delay
from pajamo.models.dynamics import Dynamics
from pajamo.models.flow_parts.assembly import Regulation
from pajamo.models.flow_parts.fitted_flow import FittedFlow
from pajamo.models.flow_parts.network import hub_table, network_table, sure_edges
from pajamo.models.flow_parts.operations import Operation
from pajamo.models.flow_parts.orders import delay_derivative
from pajamo.models.flow_parts.words import Histories
from pajamo.protocols.protocol import Protocol

GENES = ("a", "b", "c", "d")
UNIT = "ln(1 + CP10K)"


def flow(gain=0.0, effect=None, given=None, media=("",), doses=(-1.0, -1.0), sd=0.1):
    """Two regulators among four genes; decay 0.5 a day, level 4 in every medium but 2 more in each next."""
    if effect is None:
        effect = np.array([[-2.0, -1.0, 0.8, 0.0], [0.6, -2.0, 0.0, -0.5]])
    genes = {gene: i for i, gene in enumerate(GENES)}
    regulation = Regulation.of(
        ["a", "b"], effect, np.full_like(effect, sd), genes, dict(zip("ab", doses, strict=True)), {}
    )
    levels = 4.0 + 2.0 * np.arange(len(media))[:, None] * np.ones((1, 4))
    histories = Histories(given or Protocol.plain("day"))
    return FittedFlow(
        histories, regulation, GENES, tuple(media), levels, np.zeros_like(levels), 0.5, 1.0, gain
    )


def model(made):
    found = Dynamics(seed=1)
    found.flow = made
    return found


def test_network_says_who_activates_whom():
    table = network_table(flow(), UNIT).set_index(["regulator", "gene"])
    assert ("a", "a") not in table.index
    assert len(table) == 6
    assert table.loc[("a", "b"), "sign"] == 1  # the knockout of a lowers b: a activates b
    assert table.loc[("a", "c"), "sign"] == -1
    assert table.loc[("a", "b"), ["value", "se", "z"]].tolist() == pytest.approx([-1.0, 0.1, -10.0])
    assert table.loc[("a", "d"), "wrong_sign"] == pytest.approx(0.5)
    assert table["z"].abs().is_monotonic_decreasing


def test_edges_are_those_of_a_full_edit_whatever_the_dose():
    half = network_table(flow(doses=(-0.5, 1.0)), UNIT).set_index(["regulator", "gene"])
    assert half.loc[("a", "b"), "value"] == pytest.approx(-2.0)
    assert half.loc[("b", "d"), "sign"] == -1  # activation of b lowers d


def test_hubs_count_the_edges_that_are_sure():
    hubs = hub_table(network_table(flow(), UNIT)).set_index("regulator")
    assert hubs.loc["a", ["targets", "activated", "repressed"]].tolist() == [2, 1, 1]
    assert hubs.loc["a", "strongest"] == "b"
    assert hubs.loc["a", "size"] == pytest.approx(np.sqrt((1 + 0.64) / 3))
    unsure = network_table(flow(sd=10.0), UNIT)
    assert sure_edges(unsure).empty
    assert hub_table(unsure)["targets"].tolist() == [0, 0]


def test_rest_points_without_feedback_are_the_columns():
    found = model(flow()).rest_points([Condition((), "", 1.0), Condition(("a",), "", 1.0)])
    np.testing.assert_allclose(found.state.iloc[0], 4.0)
    expected = [4 * np.exp(-0.5), 4 * np.exp(-0.25), 4.8, 4.0]
    np.testing.assert_allclose(found.state.iloc[1], expected, rtol=1e-8)
    assert found.table["margin"].tolist() == pytest.approx([-0.5, -0.5])
    assert found.table["return_time"].tolist() == pytest.approx([2.0, 2.0])
    assert found.table.loc[1, "gene"] == "a"
    assert found.table.loc[1, "margin_unit"] == "1 / day"


def toggle(gain=1.5):
    """Two genes that repress each other through their transcripts: low gain one state, high gain two."""
    effect = np.array([[-2.0, 3.0, 0.0, 1.0], [3.0, -2.0, 0.0, -1.0]])
    return flow(gain=gain, effect=effect)


def test_mutual_repression_has_one_attractor_or_two():
    control = Condition((), "", 1.0)
    one = model(toggle(gain=0.3)).attractors(control, starts=16)
    assert len(one.table) == 1
    assert one.table.loc[0, "share"] == 1.0
    two = model(toggle()).attractors(control, starts=40)
    states = two.state.to_numpy()
    settled = states[np.abs(states[:, 0] - states[:, 1]) > 1.0]
    assert len(settled) == 2
    np.testing.assert_allclose(settled[0, :2], settled[1, 1::-1], rtol=1e-5)
    assert (two.table.loc[np.abs(states[:, 0] - states[:, 1]) > 1.0, "margin"] < 0).all()
    counted = two.basins["attractor"].value_counts(normalize=True)
    for row in two.table.itertuples():
        assert counted[row.attractor] == pytest.approx(row.share)
    single = two.basins[two.basins["kind"] == "perturbation"]
    assert single["start"].tolist() == ["a", "b"]
    assert single["attractor"].nunique() == 2


def test_where_history_decides_the_order_still_matters_at_rest():
    monostable = model(toggle(gain=0.2)).commutator("a", "b")
    assert monostable["kappa"] > 0
    assert monostable["kappa_at_rest"] == 0.0


def test_commutator_of_two_knockouts_without_feedback_in_closed_form():
    effect = np.array([[1.0, 0.0, 2.0, 0.0], [0.0, 0.5, 0.0, 1.0]])  # upwards: no floor
    found = model(flow(effect=effect)).commutator("a", "b", duration=2.0)
    e = np.exp(-1.0)
    early, late = 1 - e**2, 1 - e
    gap = (early - late) * (effect[0] - effect[1])
    moved = early * effect[0] + late * effect[1]
    assert found["kappa"] == pytest.approx(np.linalg.norm(gap) / np.linalg.norm(moved), rel=1e-3)
    assert found["gene"] == "c"
    assert found["difference"] == pytest.approx((early - late) * 2.0, rel=1e-3)
    assert (found["duration"], found["duration_unit"]) == (2.0, "day")


def test_perturbation_and_medium_in_both_orders():
    """Edited before or after the move: the same in the end, different on the way."""
    found = model(flow(media=("neural", "stem"))).commutators(["a", "neural", "b"], medium="stem")
    row = found.set_index(["first", "second"]).loc[("a", "neural")]
    assert row["kappa"] > 0.01
    assert row["kappa_at_rest"] == 0.0
    assert found["kappa"].is_monotonic_decreasing
    both = model(flow(media=("neural", "stem"))).commutator("neural", "stem", medium="stem")
    assert np.isnan(both["kappa_at_rest"])


def test_operations_that_nobody_knows_are_named():
    made = model(flow(media=("neural", "stem")))
    with pytest.raises(ModelError, match="'cardiac' is no operation"):
        made.commutator("a", "cardiac")
    with pytest.raises(ModelError, match="no medium 'cardiac'"):
        made.commutator("a", "b", medium="cardiac")
    assert model(flow()).commutators(["a"]).empty


@pytest.mark.parametrize(
    ("dose", "edit"), [(-1.0, Edit("a")), (-0.4, Edit("a", "crispri", 0.4)), (2.0, Edit("a", "crispra", 2.0))]
)
def test_operations_repeat_the_dose_that_was_measured(dose, edit):
    assert Operation.of("a", flow(doses=(dose, -1.0))).edits == frozenset({edit})
    assert Operation.of("a+b", flow()).edits == frozenset({Edit("a"), Edit("b")})


def test_orders_of_a_protocol_say_what_is_possible():
    steps = protocol(DIFFERENTIATE_FIRST)
    made = model(flow(given=steps, media=("neural", "stem")))
    table = made.step_orders(Condition(("a",), "", 5.0)).set_index(["first", "second"])
    exchanged = table.loc[("0: culture", "1: differentiate")]
    assert exchanged["kappa_control"] > 0.1
    same = table.loc[("1: differentiate", "3: differentiate")]
    assert same["impossible"]  # the second lasts until the measurement
    possible = table[table["impossible"] == ""]
    assert len(possible) >= 1
    assert (possible["kappa"] > 0.01).any()
    assert table[table["impossible"] != ""]["kappa"].isna().all()


def test_delay_takes_what_the_variational_equation_says():
    made = flow(gain=0.3)
    made = replace(made, histories=replace(made.histories, onset=0.4))
    condition = Condition(("a",), "", 3.0)
    runner, level = made.runner(), torch.from_numpy(made.levels)
    before, after = Segment(), Segment(frozenset({Edit("a")}))
    _, expected = editing_delay(runner, level, before, after, 0.4, 3.0)
    found = delay_derivative(made, [condition])
    np.testing.assert_allclose(found[0], expected[0].detach(), rtol=5e-3, atol=2e-4)
    table = model(made).delay_sensitivity([condition])
    assert table.loc[0, "rate"] == pytest.approx(np.sqrt((found**2).mean()))
    assert table.loc[0, "gene"] == "a"


def test_cells_at_rest_have_forgotten_the_delay():
    at_rest = flow(given=Protocol.plain())
    assert model(at_rest).delay_sensitivity([Condition(("a",))]).loc[0, "rate"] == 0.0


def test_columns_under_feedback_come_to_rest_where_singles_were():
    rng = np.random.default_rng(0)
    effect = rng.uniform(0.2, 1.0, (2, 4))
    made = flow(effect=effect).regulation
    direct = made.direct(0.3)
    fed = replace(flow(effect=effect), regulation=direct, gain=0.3)
    found = model(fed).rest_points([Condition(("a",), "", 1.0), Condition(("b",), "", 1.0)])
    np.testing.assert_allclose(found.state.to_numpy() - 4.0, effect, atol=1e-6)
    np.testing.assert_allclose(made.direct(0.0).effect, made.effect)


def test_rest_points_are_those_of_the_last_medium():
    made = model(flow(given=protocol(PERTURB_FIRST), media=("neural", "stem")))
    found = made.rest_points([Condition((), "", 4.0), Condition((), "", 1.0)])
    np.testing.assert_allclose(found.state.to_numpy()[:, 0], [4.0, 6.0])
