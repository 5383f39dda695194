"""Parts of the neural differential equation against naive references."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pajamo.data.conditions import Condition
from pajamo.data.history import REST, Edit, History, Segment, Word
from pajamo.mechanisms.flows.drift import ProductionDecay
from pajamo.mechanisms.flows.intervention import Intervention
from pajamo.mechanisms.flows.solving.solve import Solver
from pajamo.mechanisms.flows.trajectory import Flow, run_histories
from pajamo.models.flow_parts.words import Histories
from pajamo.models.node_parts.coordinates import Coordinates
from pajamo.models.node_parts.course import HORIZON, UNITS, Course, in_units, unit_rate
from pajamo.models.node_parts.drifts import BlackBox, ProductionNetwork, Projected, Single, ridge
from pajamo.models.node_parts.fitting import Plan
from pajamo.models.node_parts.member import member_of
from pajamo.models.node_parts.records import Records, canonical
from pajamo.models.node_parts.space import StateSpace
from pajamo.protocols.protocol import Protocol

KNOCKOUT = frozenset({Edit("g0")})


def genes_space(table, in_levels: bool) -> StateSpace:
    training = table({Condition(("g0",)): [-1.0, 0.5, 0.2], Condition(("g1",)): [0.3, -1.0, 0.4]})
    coordinates = Coordinates.of_genes(training)
    return StateSpace(coordinates, in_levels, ("g0", "g1", "g2"), ("g0", "g1"), ("", "other"))


def black_box(members: int = 2) -> BlackBox:
    made = BlackBox(members, (3, 2, 2, 8), seed=0)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1))
    return made


def production(members: int = 2) -> ProductionDecay:
    network = ProductionNetwork(members, torch.tensor([1.0, 2.0, 0.5]), 1.0, (2, 8), seed=0, repeats=1)
    return ProductionDecay(network, torch.linspace(0.5, 2.0, 3 * members).reshape(members, 1, 3))


HISTORIES = [
    History.of(Word((Segment(KNOCKOUT, "", 1.0),))),
    History.of(Word((Segment(KNOCKOUT, "", 2.5),))),
    History.of(Word((Segment(frozenset(), "", 1.0), Segment(KNOCKOUT, "other", 1.5)))),
    History(
        (
            (0.25, Word((Segment(frozenset(), "", 2.0),))),
            (0.75, Word((Segment(frozenset({Edit("g1", "crispri", 0.5)}), "", 2.0),))),
        )
    ),
    History.of(Word()),
]


@pytest.mark.parametrize("drift", [black_box(), production()])
def test_fixed_steps_agree_with_adaptive_ones(drift, table):
    space = genes_space(table, isinstance(drift, ProductionDecay))
    start = torch.tensor([[0.5, 1.0, 1.5], [1.0, 0.1, 0.4]])
    begins = [0, 0, 1, 1, 0]
    course = Course.of(HISTORIES, begins, 2, space.intervene)
    with torch.no_grad():
        found = course.run(drift, start.expand(2, 2, 3))
        drift = drift.double()
        for member in range(2):
            flow = Flow(
                drift=Single(drift, member),
                intervene=lambda segments: space.intervene(segments, torch.float64),
                solver=Solver(rtol=1e-8, atol=1e-10),
            )
            for row, (history, begin) in enumerate(zip(HISTORIES, begins, strict=True)):
                expected = run_histories(flow, start[begin].double(), [history])[0]
                np.testing.assert_allclose(found[member, row], expected, atol=1e-2)


def test_course_without_steps_is_the_start(table):
    space = genes_space(table, False)
    course = Course.of([History.of(Word())], [0], 1, space.intervene)
    start = torch.tensor([[[0.5, 1.0, 1.5]]])
    assert torch.equal(course.run(black_box(1), start), start)


def test_internal_time():
    word = Word((Segment(frozenset(), "m", REST), Segment(KNOCKOUT, "m", 5.0)))
    rate = unit_rate([History.of(word)])
    assert rate == pytest.approx(UNITS / 5.0)
    scaled = in_units(History.of(word), rate).branches[0][1]
    assert [s.duration for s in scaled] == pytest.approx([HORIZON, UNITS])
    assert unit_rate([History.of(Word((Segment(),)))]) == 1.0


@pytest.mark.parametrize("drift", [black_box(), production()])
def test_a_member_is_its_slice_of_the_batch(drift, table):
    space = genes_space(table, isinstance(drift, ProductionDecay))
    edits = space.intervene([Segment(KNOCKOUT), Segment()])
    state = torch.tensor([[0.5, 1.0, 1.5], [1.0, 0.1, 0.4]])
    together = drift(state.expand(2, 2, 3), edits)
    for number in range(2):
        member = member_of(drift, number)
        torch.testing.assert_close(member(state, edits), together[number])
        torch.testing.assert_close(Single(drift, number)(state, edits), together[number])
        member(state, edits).sum().backward()
    gradients = [p.grad for p in drift.parameters()]
    assert any(g is not None and g.abs().sum() > 0 for g in gradients)
    if isinstance(drift, ProductionDecay):
        torch.testing.assert_close(member_of(drift, 1).decay, drift.decay[1, 0])


def test_production_starts_at_rest_and_a_knockout_stops_it(table):
    network = ProductionNetwork(1, torch.tensor([1.0, 2.0, 0.5]), 1.0, (2, 8), seed=0, repeats=1)
    with torch.no_grad():
        network.write.zero_()
    drift = ProductionDecay(network, torch.ones(1, 1, 3))
    space, state = genes_space(table, True), torch.tensor([[1.0, 2.0, 0.5]])
    edits = space.intervene([Segment(), Segment(KNOCKOUT)])
    expected = torch.tensor([[0.0, 0.0, 0.0], [-1.0, 0.0, 0.0]])
    torch.testing.assert_close(drift(state.expand(2, 3), edits)[0], expected, atol=1e-6, rtol=0.0)


def test_projected_drift_stays_within_its_components():
    decode = torch.tensor([[1.0, 1.0, 0.0]]) / 2**0.5
    drift = Projected(production(1), decode.T, decode)
    state = torch.tensor([[0.5, 1.0, 1.5]])
    edits = Intervention.of([Segment()], {"g0": 0, "g1": 1, "g2": 2}, {"": 0}, dtype=torch.float32)
    change = drift(state, edits)[0]
    inner = production(1)(state, edits)[0]
    torch.testing.assert_close(change, (inner @ decode.T) @ decode)
    assert change[0, 2].item() == 0.0


def test_candidates_start_from_the_same_weights():
    drift = BlackBox(2, (3, 2, 1, 4), seed=0, repeats=3)
    for parameter in drift.parameters():
        torch.testing.assert_close(parameter[:2], parameter[4:6])
    assert not torch.equal(drift.read[0], drift.read[1])
    assert ridge(drift).shape == (6,)


def test_coordinates_are_inverse_on_what_they_hold(table):
    rng = np.random.default_rng(0)
    changes = {Condition((f"g{i}",)): rng.normal(size=12).tolist() for i in range(6)}
    training = table(changes, control=2.0, variance=0.5)
    for coordinates in (Coordinates.of_genes(training), Coordinates.of_responses(training, 3, kept=[1, 4])):
        values = rng.normal(size=(5, coordinates.size))
        np.testing.assert_allclose(coordinates.values(coordinates.levels(values)), values, atol=1e-10)
    levels = coordinates.levels(coordinates.values(training.moments.mean))
    np.testing.assert_allclose(levels[:, [1, 4]], training.moments.mean[:, [1, 4]])
    typical = np.sqrt((coordinates.values(training.moments.mean) ** 2).mean())
    assert typical == pytest.approx(1.0)


def test_unknown_targets_share_the_last_dose(table):
    space = genes_space(table, False)
    edits = frozenset({Edit("x"), Edit("y", "crispra", 0.5), Edit("g1")})
    made = space.intervene([Segment(edits), Segment()])
    assert made.dose.tolist() == [[0.0, -1.0, -0.5], [0.0, 0.0, 0.0]]


def test_harvest_effects_are_profiled_out():
    """The misfit is what is left at the best effect of each harvest, found here by a search."""
    rng = np.random.default_rng(0)
    value, variance = rng.normal(size=(5, 1)), rng.uniform(0.5, 2.0, (5, 1))
    setting, harvest, found = np.array([0, 0, 1, 1, 1]), 0.7, rng.normal(size=(5, 1))
    records = Records(
        tuple(Condition((str(i),)) for i in range(5)),
        torch.tensor(value),
        torch.tensor(variance),
        torch.tensor(setting),
        torch.tensor([harvest], dtype=torch.float64),
    )
    kept = torch.tensor([[1.0, 1.0, 1.0, 0.0, 1.0]], dtype=torch.float64)
    made = float(records.misfit(torch.tensor(found)[None], kept)[0])
    grid = np.linspace(-4, 4, 40001)
    expected = 0.0
    for s in (0, 1):
        rows = [i for i in range(5) if setting[i] == s and kept[0, i]]
        errors = sum((found[i, 0] - value[i, 0] - grid) ** 2 / variance[i, 0] for i in rows)
        expected += (errors + grid**2 / harvest).min()
    assert made == pytest.approx(expected / 4, rel=1e-5)


def test_harvests_that_move_controls_are_found(table):
    """Controls that differ by much more than their cells explain differ by harvest."""
    rng = np.random.default_rng(0)
    changes = {Condition(("g0",), time=float(t)): rng.normal(size=3).tolist() for t in range(1, 7)}
    training = canonical(table(changes, control=2.0, variance=0.01))
    space, histories = genes_space(table, False), Histories(Protocol.plain("day"))
    assert not Records.of(training, space, histories).harvest.any()
    training.controls.mean[:] += rng.normal(0.0, 0.5, training.controls.mean.shape)
    moved = Records.of(training, space, histories).harvest.numpy()
    spread = space.coordinates.values(training.controls.mean).var(axis=0, ddof=1)
    np.testing.assert_allclose(moved, spread, rtol=0.02)


def test_plan_keeps_perturbations_aside_at_all_times():
    conditions = [Condition((g,), time=t) for g in "abcdef" for t in (1.0, 2.0)]
    plan = Plan.of(((0.0, 0.0), (1.0, 1.0)), 2, conditions, seed=0)
    assert {c.genes for c in plan.aside} == {c.genes for c in plan.aside if c.time == 1.0}
    assert (plan.block, plan.total, plan.whole(1), plan.unseeing(0)) == (3, 6, [3, 4], 2)
    kept = plan.kept(conditions)
    assert kept[[0, 1, 3, 4]].all()
    seen = [c not in plan.aside for c in conditions]
    assert kept[2].bool().tolist() == kept[5].bool().tolist() == seen
    assert not Plan.of(((0.0, 0.0),), 1, conditions[:2], seed=0).aside
