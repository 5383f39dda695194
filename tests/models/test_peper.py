"""Peper on planted truth: starts at its base, learns what pairs share, and falls back where it must."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from pajamo.data.conditions import Condition
from pajamo.data.pseudobulk import Moments
from pajamo.data.training_set import TrainingSet
from pajamo.models.pair_correction.gate import global_gate, pair_gate
from pajamo.models.pair_correction.manifold import Manifold
from pajamo.models.pair_correction.stack import share_of_stack
from pajamo.models.registry import create
from pajamo.training.checkpoints import read_state
from pajamo.training.fit import fit_model
from pajamo.training.loop import minimise
from pajamo.training.saved import load_model, save_model

FAST = {"steps": 30}


def saturating(a, b):
    """Same-sign effects reach little more than the larger one; opposite ones add."""
    weaker = np.where(np.abs(a) < np.abs(b), a, b)
    return a + b - np.where(a * b > 0, 0.8 * weaker, 0.0)


def synergistic(a, b):
    """Same-sign effects exceed their sum."""
    weaker = np.where(np.abs(a) < np.abs(b), a, b)
    return a + b + np.where(a * b > 0, 0.7 * weaker, 0.0)


def world(law, seed=0, perturbed=14, doubles=40, genes=80, cells=100, held=12):
    """Effects in four programmes, doubles by a law; a training set, held doubles and their true change."""
    rng = np.random.default_rng(seed)
    effects = 0.5 * rng.normal(size=(perturbed, 4)) @ rng.normal(size=(4, genes))
    names = [f"P{i:02d}" for i in range(perturbed)]
    chosen = rng.permutation([(i, j) for i in range(perturbed) for j in range(i)])[:doubles]
    truth = {Condition((names[i],)): effects[i] for i in range(perturbed)}
    truth |= {Condition((names[i], names[j])): law(effects[i], effects[j]) for i, j in chosen}
    pairs = [c for c in truth if c.order == 2]
    asked = pairs[:held]
    conditions = tuple(c for c in truth if c not in asked)
    sd = rng.uniform(0.4, 0.8, genes)
    noise = rng.normal(size=(len(conditions) + 1, genes)) * sd / np.sqrt(cells)
    mean = 6.0 + np.array([np.zeros(genes), *(truth[c] for c in conditions)]) + noise
    n, variance = np.full(len(conditions), cells), np.repeat(sd[None] ** 2, len(conditions), axis=0)
    training = TrainingSet(
        pd.Index([f"g{i}" for i in range(genes)]), conditions, Moments(n, mean[1:], variance),
        (("", 0.0),), Moments(n[:1], mean[:1], variance[:1]),
    )  # fmt: skip
    return training, asked, np.array([truth[c] for c in asked])


SAME_SHRINKAGE = {"peper": {}, "salt-ls": {"shrinkage": "fixed"}}


def error(name, training, asked, truth, **settings):
    prediction = fit_model(create(name, settings), training).predict(asked)
    return float(np.square(prediction.delta - truth).mean())


@pytest.mark.parametrize("law", [saturating, synergistic])
def test_planted_interactions_are_recovered(law):
    training, asked, truth = world(law)
    assert error("peper", training, asked, truth) < 0.6 * error("salt-ls", training, asked, truth)


def test_where_effects_add_up_it_is_not_worse_than_salt_ls():
    training, asked, truth = world(np.add)
    assert error("peper", training, asked, truth) < 1.05 * error("salt-ls", training, asked, truth)


def test_before_training_it_is_salt_ls_and_the_stack():
    training, asked, _ = world(saturating)
    fresh, linear = create("peper", FAST).fit(training), create("peper", {"network": False})
    fit_model(linear, training)
    np.testing.assert_array_equal(fresh.predict(asked).delta, linear.predict(asked).delta)
    context = torch.randn(50, 9, generator=torch.Generator().manual_seed(0))
    assert (fresh.members(context) == 0).all()
    # Even a wide-open gate finds nothing to let through.
    fresh.gate = 1.0
    np.testing.assert_array_equal(fresh.predict(asked).delta, linear.predict(asked).delta)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_with_too_few_doubles_it_is_salt_ls(number):
    training, asked, _ = world(saturating)
    doubles = [row for row, c in enumerate(training.conditions) if c.order == 2]
    rows = [row for row in range(len(training.conditions)) if row not in doubles[number:]]
    few = replace(
        training, conditions=tuple(training.conditions[r] for r in rows), moments=training.moments[rows]
    )
    peper, salt = (fit_model(create(*both), few).predict(asked) for both in SAME_SHRINKAGE.items())
    np.testing.assert_allclose(peper.delta, salt.delta, atol=1e-12)
    np.testing.assert_array_equal(peper.trusted, 0.0)


def test_the_stack_is_blended_in_with_the_number_of_doubles():
    assert [share_of_stack(n) for n in (0, 2, 5, 8, 50)] == [0.0, 0.0, 0.5, 1.0, 1.0]


def test_no_network_below_eight_doubles():
    training, _, _ = world(saturating, doubles=19)
    assert create("peper").fit(training).n_steps == 0
    assert create("peper").fit(world(saturating, doubles=20)[0]).n_steps > 0


def test_far_outside_the_training_manifold_it_falls_back_to_salt_ls():
    training, asked, _ = world(saturating)
    mean = training.moments.mean.copy()
    far = [training.conditions.index(Condition((name,))) for name in asked[0].genes]
    apart = [row for row, c in enumerate(training.conditions) if not set(c.genes) & set(asked[0].genes)]
    mean[far] = 6.0 + 200.0 * (mean[far] - 6.0)
    rows = sorted([*apart, *far])
    extreme = replace(
        training, conditions=tuple(training.conditions[r] for r in rows),
        moments=replace(training.moments, mean=mean)[rows], unit="phenotype",
    )  # fmt: skip
    peper, salt = (fit_model(create(*both), extreme).predict(asked[:1]) for both in SAME_SHRINKAGE.items())
    assert peper.trusted[0] < 1e-3
    np.testing.assert_allclose(peper.delta, salt.delta, rtol=0.02, atol=0.05)


def test_manifold_is_a_box():
    box = Manifold.of(np.array([[0.0, 0.0], [2.0, 4.0]]))
    inside, near, far = np.array([[1.0, 4.0]]), np.array([[3.0, 2.0]]), np.array([[50.0, 2.0]])
    assert box.trust(inside)[0] == 1.0
    assert box.distance(near)[0] == 0.5
    assert 0.5 < box.trust(near)[0] < 0.7
    assert box.trust(far)[0] < 1e-6


def test_an_unmeasured_parent_is_bridged_without_the_network():
    training, asked, _ = world(saturating)
    gone = Condition(asked[0].genes[:1])
    rows = [row for row, c in enumerate(training.conditions) if c != gone]
    without = replace(
        training, conditions=tuple(training.conditions[r] for r in rows), moments=training.moments[rows]
    )
    model = fit_model(create("peper"), without)
    shut = model.predict(asked[:1]).delta
    model.gate = 0.0
    np.testing.assert_array_equal(model.predict(asked[:1]).delta, shut)


def test_triples_carry_the_corrections_of_their_pairs():
    training, _, _ = world(saturating)
    model = fit_model(create("peper", FAST), training)
    triple = Condition(("P00", "P01", "P02"))
    pairs = [Condition(p) for p in (("P00", "P01"), ("P00", "P02"), ("P01", "P02"))]
    corrections = model.interactions(pairs)[0].sum(axis=0)
    np.testing.assert_allclose(model.predict([triple]).level[0], model.sums([triple])[0] + corrections)
    assert model.predict([triple]).trusted[0] == model.trust(pairs).min()


def test_gate_is_shut_on_noise_and_open_on_signal():
    rng = np.random.default_rng(0)
    correction, noise = rng.normal(size=(30, 50)), rng.normal(size=(30, 50))
    strong = rng.random((30, 50)) < 0.2
    assert global_gate(correction, noise - 0.1 * correction, strong) == 0.0
    assert 0.4 < global_gate(correction, 0.6 * correction + 0.1 * noise, strong) < 0.6
    assert global_gate(correction, 3 * correction, strong) == 1.0


def test_pairs_on_which_members_disagree_are_shut():
    agreeing, opposed = np.ones((4, 1, 3)), np.array([1, -1, 1, -1.0])[:, None, None] * np.ones((4, 1, 3))
    gates = pair_gate(np.concatenate([agreeing, opposed], axis=1), np.ones(3))
    np.testing.assert_allclose(gates, [1.0, 0.0], atol=1e-9)


def test_intervals_of_held_doubles_are_honest():
    inside = []
    for seed in range(4):
        training, asked, truth = world(saturating, seed)
        prediction = fit_model(create("peper", FAST, seed=seed), training).predict(asked)
        inside.append((np.abs(prediction.delta - truth) < 1.645 * prediction.sd).mean())
    assert 0.82 < np.mean(inside) < 0.98


@pytest.mark.parametrize("stops", [(15,), (1, 16, 29)])
def test_stop_and_go_is_bit_equal(tmp_path, stops):
    training, asked, _ = world(saturating, genes=30)
    whole = fit_model(create("peper", FAST), training)
    for stop in stops:
        minimise(create("peper", FAST).fit(training), checkpoint=tmp_path / "state", stop_after=stop)
    assert "module.best_error" in read_state(tmp_path / "state")[0]
    resumed = fit_model(create("peper", FAST), training, checkpoint=tmp_path / "state")
    for name, value in whole.state().items():
        np.testing.assert_array_equal(value, resumed.state()[name])
    assert whole.facts() == resumed.facts()
    np.testing.assert_array_equal(whole.predict(asked).delta, resumed.predict(asked).delta)


def test_saved_with_an_open_gate_it_predicts_the_same_bits(tmp_path):
    training, asked, _ = world(saturating, genes=30)
    model = fit_model(create("peper", FAST), training)
    model.gate = 0.5
    save_model(model, tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(asked).delta, model.predict(asked).delta)
    np.testing.assert_array_equal(loaded.predict(asked).sd, model.predict(asked).sd)


def test_settings_share_one_stack():
    first, asked, truth = world(saturating)
    second = tuple(replace(c, context="other") for c in first.conditions)
    moments = Moments(*(np.concatenate([x, x]) for x in vars(first.moments).values()))
    controls = Moments(*(np.concatenate([x, x]) for x in vars(first.controls).values()))
    both = replace(
        first, conditions=(*first.conditions, *second), moments=moments,
        settings=(("", 0.0), ("other", 0.0)), controls=controls,
    )  # fmt: skip
    model = fit_model(create("peper", FAST), both)
    here = model.predict(asked)
    there = model.predict([replace(c, context="other") for c in asked])
    np.testing.assert_allclose(here.delta, there.delta, atol=1e-6)
    assert np.square(here.delta - truth).mean() < 0.6 * error("salt-ls", both, asked, truth)


def test_many_genes_are_learned_on_some_and_predicted_on_all(monkeypatch):
    monkeypatch.setattr("pajamo.models.pair_correction.pair_entries.MOST_GENES", 20)
    training, asked, truth = world(saturating, doubles=20, genes=400)
    model = create("peper", FAST).fit(training)
    assert 20 <= len(model.entries.genes) < 400
    fit_model(model, training)
    assert (model.scatter[: len(training.genes)] >= 0).all()
    prediction = model.predict(asked)
    assert np.square(prediction.delta - truth).mean() < 0.8 * error("salt-ls", training, asked, truth)
