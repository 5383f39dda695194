"""Dynamics on screens whose flow is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.models.flow_screens import CELLS, DIFFERENTIATE_FIRST, PERTURB_FIRST, course, protocol, screen

from pajamo.data.conditions import Condition
from pajamo.errors import ModelError
from pajamo.mechanisms.flows.regulators import RegulatorFlow, Regulators
from pajamo.models.flow_parts.in_time import InTime
from pajamo.models.registry import create
from pajamo.protocols.protocol import Protocol
from pajamo.training.fit import fit_model
from pajamo.training.saved import load_model, save_model


def fit(training, **settings):
    return fit_model(create("dynamics", settings, seed=1), training)


@pytest.fixture(scope="module")
def linear():
    """A planted course and the model that was fitted to it."""
    made = course(contexts=("x", "y"))
    return made, fit(made.training, feedback=0.0)


def test_planted_decay_onset_and_columns_are_recovered(linear):
    made, model = linear
    assert model.flow.decay == pytest.approx(made.decay, rel=0.25)
    assert model.flow.histories.onset == pytest.approx(made.onset, abs=0.15)
    regulation = model.flow.regulation
    assert regulation.targets[:-1] == tuple(sorted(made.names))
    truth = made.column[[made.names.index(name) for name in regulation.targets[:-1]]]
    found, sd = regulation.effect[:-1] + model.flow.common[0], regulation.sd[:-1]
    others = regulation.own[:-1, None] != np.arange(30)
    z = ((found - truth) / sd)[others]
    assert 0.85 < np.mean(np.abs(z) < 1.96) <= 1.0
    assert np.corrcoef(found[others], truth[others])[0, 1] > 0.97


def test_changes_at_other_times_lie_within_their_intervals(linear):
    made, model = linear
    for time, widest in ((3.0, 0.15), (8.0, 0.4)):
        conditions = [Condition((name,), "x", time) for name in made.names]
        predicted = model.predict(conditions)
        truth = (1 - np.exp(-made.decay * (time - made.onset))) * made.column
        assert np.mean(np.abs(predicted.delta - truth) < 1.96 * predicted.sd) > 0.88
        assert np.sqrt(np.mean((predicted.delta - truth) ** 2)) < widest
        np.testing.assert_allclose(predicted.control, np.tile(made.level, (12, 1)), atol=0.05)


def test_uncertainty_grows_beyond_the_last_time(linear):
    _, model = linear
    times = (4.0, 5.0, 7.5, 15.0)
    sd = [model.predict([Condition(("g1",), "x", t)]).sd.mean() for t in times]
    assert sd == sorted(sd)
    assert sd[-1] > 1.3 * sd[0]


def test_a_context_that_was_never_seen_is_refused(linear):
    _, model = linear
    with pytest.raises(ModelError, match="no control was seen for g1 in z"):
        model.predict([Condition(("g1",), "z", 7.5)])


def test_contexts_share_columns_and_keep_their_own_levels():
    made = course(contexts=("x", "y"), noise=0.0)
    training = made.training
    mean = training.controls.mean.copy()
    shift = np.where([context == "y" for context, _ in training.settings], 1.5, 0.0)[:, None]
    moved = np.where([c.context == "y" for c in training.conditions], 1.5, 0.0)[:, None]
    training = replace(
        training, controls=replace(training.controls, mean=mean + shift),
        moments=replace(training.moments, mean=training.moments.mean + moved),
    )  # fmt: skip
    model = fit(training, feedback=0.0)
    both = model.predict([Condition(("g2",), context, 3.0) for context in "xy"])
    np.testing.assert_allclose(both.control[1] - both.control[0], 1.5, atol=0.01)
    np.testing.assert_allclose(both.delta[1], both.delta[0], atol=0.02)


def test_the_error_of_a_control_is_found_from_what_it_does_to_all_changes():
    made, rng = course(perturbed=20, noise=1.0), np.random.default_rng(3)
    training = made.training
    off = np.array([0.0, 0.0, 1.0])[:, None] * rng.normal(0.0, 0.3, 30)
    few = np.array([1600, 1600, 11])
    controls = replace(training.controls, mean=made.level + off, n_cells=few)
    training = replace(training, controls=controls)
    found = fit(training, feedback=0.0).predict([Condition(("g0",), "", 4.0)]).control[0]
    assert np.mean((found - made.level) ** 2) < 0.2 * np.mean(off[2] ** 2)


def test_without_feedback_small_changes_follow_the_linear_law(linear):
    made, model = linear
    flow = model.flow.with_gain(0.0)
    small = replace(flow, regulation=replace(flow.regulation, effect=1e-3 * flow.regulation.effect),
                    common=1e-3 * flow.common)  # fmt: skip
    conditions = [Condition((name,), "x", time) for name in made.names for time in (1.0, 2.5, 6.0)]
    member = small.regulation.members(conditions)
    gain = 1 - np.exp(-flow.decay * (np.array([c.time for c in conditions]) - flow.histories.onset))
    law = gain[:, None] * (member @ small.regulation.effect + small.common[0])
    np.testing.assert_allclose(small.changes(conditions), law, atol=2e-6)


def growing(seed=0, **more):
    """A screen at rest with singles and doubles, all effects upwards so that no level meets its floor."""
    rng = np.random.default_rng(seed)
    names, level = [f"g{i}" for i in range(6)], np.full(12, 3.0)
    effect = dict(zip(names, rng.uniform(0.2, 1.0, (6, 12)), strict=True))
    doubles = [(a, b) for i, a in enumerate(names) for b in names[:i]]
    means = {Condition((name,)): level + effect[name] for name in names}
    means |= {Condition(pair): level + effect[pair[0]] + effect[pair[1]] for pair in doubles[:10]}
    return screen(means, {("", 0.0): level}, seed=seed, **more), [Condition(pair) for pair in doubles[10:]]


def test_at_rest_without_a_floor_it_is_salt_by_least_squares():
    training, asked = growing()
    salt = fit_model(create("salt-ls", seed=1), training).predict(asked)
    found = fit(training, feedback=0.0).predict(asked)
    np.testing.assert_allclose(found.delta, salt.delta, atol=1e-9)
    np.testing.assert_allclose(found.sd, salt.sd, atol=1e-12)
    np.testing.assert_array_equal(found.control, salt.control)


def test_incomplete_editing_scales_what_a_cell_does_and_leaves_what_is_seen():
    text = (
        'steps = [{{ do = "perturb", kind = "crispra", onset = 0, efficiency = {} }}, {{ do = "culture" }}]'
    )
    whole, asked = growing(protocol=protocol(text.format(1.0)))
    part = replace(whole, protocol=protocol(text.format(0.6)))
    complete, mixed = fit(whole, feedback=0.0), fit(part, feedback=0.0)
    np.testing.assert_allclose(mixed.predict(asked).delta, complete.predict(asked).delta, atol=1e-9)
    np.testing.assert_allclose(
        mixed.flow.regulation.effect, complete.flow.regulation.effect / 0.6, atol=1e-12
    )
    everywhere = mixed.under(whole.protocol)
    singles = [Condition((name,)) for name in ("g0", "g3")]
    np.testing.assert_allclose(
        everywhere.predict(singles).delta, mixed.under(part.protocol).predict(singles).delta / 0.6, atol=1e-9
    )


def test_incomplete_editing_in_time():
    made = course(noise=0.2)
    steps = (
        'time_unit = "day"\nsteps = [{{ do = "perturb", kind = "knockout", onset = 0, efficiency = {} }}, {}]'
    )
    part = protocol(steps.format(0.5, '{ do = "culture" }'))
    model = fit(replace(made.training, protocol=part), feedback=0.0)
    own = made.names.index(model.flow.regulation.targets[1])
    whole = model.flow.regulation.effect[1] + model.flow.common[0]
    others = np.arange(30) != own
    assert np.polyfit(made.column[own][others], whole[others], 1)[0] == pytest.approx(2.0, rel=0.15)
    double = Condition(made.names[:2], "", 4.0)
    gain = 1 - np.exp(-made.decay * 3.5)
    found = model.predict([double]).delta[0]
    assert np.polyfit(gain * made.column[:2].sum(axis=0), found, 1)[0] == pytest.approx(1.0, rel=0.15)


def fed_back(gain, seed=0):
    """Singles and doubles at rest of a flow whose regulators follow their transcripts with this gain."""
    rng = np.random.default_rng(seed)
    n, genes = 8, 20
    column = rng.normal(0.0, 0.9, (n, genes)) * (rng.uniform(size=(n, genes)) < 0.6)
    column[np.arange(n), np.arange(n)] = -1.5
    level = np.full((1, genes), 6.0)
    regulators = Regulators(torch.arange(n), torch.full((n,), -1.5).double(), torch.full((n,), -1.0).double())
    flow = RegulatorFlow(
        torch.from_numpy(level), torch.ones(()).double(), regulators, torch.from_numpy(column),
        torch.zeros(1, genes).double(),
    )  # fmt: skip
    names = [f"g{i}" for i in range(n)]
    conditions = [Condition((a,)) for a in names]
    conditions += [Condition((a, b)) for i, a in enumerate(names) for b in names[:i]]
    means = {}
    for condition in conditions:
        edited = torch.tensor([[name in condition.genes for name in names]])
        state = flow.levels.detach().clone()
        for _ in range(200):
            with torch.no_grad():
                passive = gain * torch.tanh((state[:, :n] - 6.0) / -1.5)
                state = 6.0 + torch.where(edited, 1.0, passive).double() @ flow.columns
        means[condition] = state[0].numpy()
    return screen(means, {("", 0.0): level[0]}, noise=0.3, genes=[f"g{i}" for i in range(genes)])


@pytest.mark.parametrize("gain", [0.0, 0.2])
def test_feedback_is_found_where_it_is_and_only_there(gain):
    training = fed_back(gain)
    assert (fit(training).flow.gain > 0) == (gain > 0)


@pytest.fixture(scope="module")
def differentiating():
    """Knockouts at time 0, two days as stem cells, then neural medium, in which unperturbed cells change."""
    rng = np.random.default_rng(0)
    stem, neural = rng.uniform(2.0, 6.0, (2, 20))
    column, decay = rng.normal(0.0, 1.0, (8, 20)), 0.5
    names = [f"g{i}" for i in range(8)]
    times = (1.0, 2.0, 3.0, 4.0, 6.0)

    def control(t):
        return neural + (stem - neural) * np.exp(-decay * max(t - 2.0, 0.0))

    means = {
        Condition((name,), "", t): control(t) + (1 - np.exp(-decay * t)) * column[i]
        for i, name in enumerate(names) for t in times
    }  # fmt: skip
    controls = {("", t): control(t) for t in times}
    training = screen(means, controls, noise=0.3, protocol=protocol(PERTURB_FIRST))
    return training, control, fit(training, feedback=0.0)


def test_the_matched_control_moves_with_the_medium(differentiating):
    training, control, model = differentiating
    assert training.protocol.differentiates(Condition((), "", 6.0))
    predicted = model.predict([Condition(("g0",), "", t) for t in (1.0, 3.0, 4.5, 9.0)])
    for row, time in enumerate((1.0, 3.0, 4.5, 9.0)):
        np.testing.assert_allclose(predicted.control[row], control(time), atol=0.12)
    assert np.abs(predicted.control[3] - predicted.control[0]).mean() > 0.5


def test_perturbing_before_and_after_differentiation_differ(differentiating):
    _, _, model = differentiating
    after = model.under(protocol(DIFFERENTIATE_FIRST))
    condition = [Condition(("g0",), "", 5.0)]
    first, second = model.under(model.protocol).predict(condition), after.predict(condition)
    np.testing.assert_allclose(second.control, first.control, atol=1e-4)
    assert np.abs(second.delta).mean() < 0.8 * np.abs(first.delta).mean()
    assert (second.sd <= first.sd).all()


def test_at_their_end_linear_changes_are_the_same_in_any_order_but_floors_are_not(differentiating):
    _, _, model = differentiating
    after, late = model.under(protocol(DIFFERENTIATE_FIRST)), Condition(("g0",), "", 60.0)
    (before,) = model.under(model.protocol).predict([late]).delta
    np.testing.assert_allclose(after.predict([late]).delta[0], before, atol=1e-4)
    level = model.flow.levels[model.flow.media.index("neural")]
    down = model.flow.regulation.effect[0] + model.flow.common[0] < -0.5
    additive = model.flow.regulation.effect[0] + model.flow.common[0]
    assert (before[down] > additive[down]).all()
    assert (before >= -level - 1e-6).all()


def test_another_protocol_with_a_medium_that_no_control_saw_is_refused(differentiating):
    _, _, model = differentiating
    strange = protocol(PERTURB_FIRST.replace("neural", "cardiac"))
    with pytest.raises(ModelError, match="'cardiac'"):
        model.under(strange).predict([Condition(("g0",), "", 4.0)])


def test_cells_that_are_moved_at_once_begin_as_they_did(differentiating):
    """The medium that changes cells first: they begin where the measured cells began, at rest as stem cells."""
    training, control, model = differentiating
    at_once = (
        'time_unit = "day"\nclock = "start"\nsteps = [{ do = "perturb", kind = "knockout", onset = 0 }, '
        '{ do = "differentiate", medium = "neural" }, { do = "measure" }]'
    )
    moved = model.under(protocol(at_once))
    predicted = moved.predict([Condition(("g0",), "", t) for t in (0.0, 1.0, 3.0)])
    np.testing.assert_allclose(predicted.control[0], control(0.0), atol=0.1)
    np.testing.assert_allclose(predicted.control[2], control(5.0), atol=0.12)
    back = moved.under(training.protocol).predict([Condition(("g0",), "", 3.0)])
    np.testing.assert_allclose(back.control[0], control(3.0), atol=0.12)


def test_a_wash_takes_the_edit_back(differentiating):
    _, _, model = differentiating
    steps = (
        'time_unit = "day"\nclock = "start"\nsteps = [{ do = "perturb", kind = "crispri", onset = 0, '
        'persistence = 2 }, { do = "culture", medium = "stem" }, { do = "measure" }]'
    )
    washed = model.under(protocol(steps))
    changes = washed.predict([Condition(("g1",), "", t) for t in (2.0, 4.0, 8.0, 30.0)]).delta
    sizes = np.abs(changes).mean(axis=1)
    assert (np.diff(sizes) < 0).all()
    assert sizes[-1] < 1e-3 * sizes[0]


@pytest.mark.parametrize("moved", [False, True])
def test_saved_and_loaded_it_predicts_the_same_bits(differentiating, tmp_path: Path, moved):
    _, _, model = differentiating
    model = model.under(protocol(DIFFERENTIATE_FIRST)) if moved else model
    save_model(model, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    asked = [Condition(("g0",), "", 5.0), Condition(("g1", "never"), "", 4.5)]
    one, other = model.predict(asked), loaded.predict(asked)
    for name in ("delta", "sd", "control"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert isinstance(loaded.law, InTime) != moved


def test_combinations_teach_columns_and_leave_scatter(linear):
    made, _ = linear
    training = course(noise=1.0).training
    gain = 1 - np.exp(-made.decay * (4.0 - made.onset))
    doubles = [Condition(made.names[i : i + 2], "", 4.0) for i in range(0, 12, 2)]
    rows = [training.conditions.index(c.parts()[0]) for c in doubles]
    change = np.array([gain * made.column[i : i + 2].sum(axis=0) for i in range(0, 12, 2)])
    noise = np.random.default_rng(0).normal(0.0, 0.2, change.shape)
    moments = training.moments
    more = replace(
        moments, mean=np.vstack([moments.mean, made.level + change + noise]),
        variance=np.vstack([moments.variance, moments.variance[rows]]),
        n_cells=np.concatenate([moments.n_cells, np.full(6, CELLS)]),
    )  # fmt: skip
    informed = fit(replace(training, conditions=(*training.conditions, *doubles), moments=more), feedback=0.0)
    alone = fit(training, feedback=0.0)
    assert (informed.flow.regulation.sd[:-1] <= alone.flow.regulation.sd[:-1] + 1e-12).all()
    assert 0.02 < np.median(informed.law.pair_scatter) < 0.08
    assert (alone.law.pair_scatter == 0).all()


def test_at_rest_there_is_no_other_time():
    training, _ = growing()
    with pytest.raises(ModelError, match="no control was seen"):
        fit(training, feedback=0.0).predict([Condition(("g0",), "", 7.5)])


def test_plain_protocols_name_the_unit_of_the_decay(linear):
    _, model = linear
    table = model.weights().set_index("quantity")
    assert table.loc["decay", "unit"] == "1 / day"
    assert model.protocol.to_dict() == Protocol.plain("day").to_dict()
