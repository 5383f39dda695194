"""Salt-LS on planted truth: exact without noise, bridges what is missing, honest about its errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pajamo.data.conditions import Condition
from pajamo.errors import StudyError
from pajamo.models.registry import create
from pajamo.training.fit import fit_model
from pajamo.training.saved import load_model, save_model

A, B, C, D, AB, AC, BC, AD, ABC = (
    Condition(tuple(g)) for g in ("A", "B", "C", "D", "AB", "AC", "BC", "AD", "ABC")
)
EFFECT = {"A": [1.0, 0.0, -0.5], "B": [0.5, -0.9, 0.2], "C": [0.0, 0.7, 0.3], "D": [-0.4, 0.1, 0.9]}
EXACT = {"shrinkage": "fixed", "noise": 1e-9}


def additive(*conditions):
    return {c: np.sum([EFFECT[g] for g in c.genes], axis=0).tolist() for c in conditions}


def test_additive_truth_is_recovered_without_noise(table):
    model = fit_model(create("salt-ls", EXACT), table(additive(A, B, C, AB)))
    asked = [A, AC, BC, ABC]
    np.testing.assert_allclose(model.predict(asked).delta, list(additive(*asked).values()), atol=1e-6)


def test_a_missing_single_is_found_from_its_doubles(table, monkeypatch):
    monkeypatch.setattr("pajamo.mechanisms.main_effects.UNMEASURED_SHARE", 1.0)
    model = fit_model(create("salt-ls", EXACT), table(additive(A, B, C, AB, AC, AD)))
    asked = [D, Condition(("B", "D"))]
    np.testing.assert_allclose(model.predict(asked).delta, list(additive(*asked).values()), atol=1e-6)


def test_a_gene_that_was_never_perturbed_takes_the_mean_effect_and_its_spread(table):
    model = fit_model(create("salt-ls", EXACT), table(additive(A, B, C), variance=0.1))
    prediction = model.predict([A, Condition(("new",))])
    np.testing.assert_allclose(prediction.delta[1], np.mean([EFFECT[g] for g in "ABC"], axis=0), atol=1e-6)
    assert (prediction.sd[1] > 5 * prediction.sd[0]).all()


def test_effects_of_other_settings_are_borrowed(table):
    here, there = Condition(("A",), "x"), Condition(("A",), "y")
    training = table({here: [1.0], Condition(("B",), "x"): [0.2], Condition(("B",), "y"): [0.3]})
    prediction = fit_model(create("salt-ls", EXACT), training).predict([here, there])
    np.testing.assert_allclose(prediction.delta, [[1.0], [1.0]], atol=1e-6)
    assert prediction.sd[1] >= prediction.sd[0]


def test_a_setting_with_only_a_control_is_predicted(table):
    training = table({Condition(("A",), "x"): [1.0], Condition(("B",), "x"): [0.2]}, settings={("y", 0.0)})
    prediction = fit_model(create("salt-ls", EXACT), training).predict([Condition(("A", "B"), "y")])
    np.testing.assert_allclose(prediction.delta, [[1.2]], atol=1e-6)


def test_noise_is_shrunken_where_there_is_nothing(planted):
    training, held, truth = planted(0, cells=10)
    errors = [
        np.square(fit_model(create(name), training).predict(held).delta - truth).mean()
        for name in ("salt", "salt-ls")
    ]
    assert errors[1] < 0.6 * errors[0]


def test_numbers_for_fixed_shrinkage_are_refused_where_they_would_not_be_used():
    with pytest.raises(StudyError, match="shrinkage = 'fixed'"):
        create("salt-ls", {"noise": 0.2})


@pytest.mark.parametrize("shrinkage", ["cross-validation", "fixed"])
def test_shrinkage_and_errors_survive_saving(planted, tmp_path, shrinkage):
    training, held, _ = planted(0)
    model = fit_model(create("salt-ls", {"shrinkage": shrinkage}), training)
    save_model(model, tmp_path / "model")
    again = load_model(tmp_path / "model")
    assert again.noise == model.noise
    np.testing.assert_array_equal(again.predict(held).delta, model.predict(held).delta)
    np.testing.assert_array_equal(again.predict(held).sd, model.predict(held).sd)


@pytest.mark.parametrize("tau", [0.0, 0.3])
def test_intervals_of_held_doubles_are_honest(planted, tau):
    inside = []
    for seed in range(10):
        training, held, truth = planted(seed, tau=tau)
        prediction = fit_model(create("salt-ls"), training).predict(held)
        inside.append((np.abs(prediction.delta - truth) < 1.645 * prediction.sd).mean())
    assert 0.85 < np.mean(inside) < 0.97


def test_a_prior_that_tells_effects_is_used_and_one_that_does_not_is_dropped(table):
    rng = np.random.default_rng(0)
    vectors = {f"P{i}": rng.normal(size=3) for i in range(30)}
    vectors = {name: v / np.linalg.norm(v) for name, v in vectors.items()}
    slopes = rng.normal(size=(3, 5))
    seen = {Condition((name,)): (vectors[name] @ slopes).tolist() for name in list(vectors)[:25]}
    new = [Condition((name,)) for name in list(vectors)[25:]]
    truth = np.array([vectors[c.genes[0]] @ slopes for c in new])
    noise = {name: rng.normal(size=3) for name in vectors}
    errors, sds = [], []
    for embedding in (vectors, noise):
        model = fit_model(create("salt-ls"), replace(table(seen, variance=0.01), embedding=embedding))
        prediction = model.predict(new)
        errors.append(np.square(prediction.delta - truth).mean())
        sds.append(prediction.sd.mean())
    assert errors[0] < 0.2 * errors[1]
    assert sds[0] < sds[1]
    assert model.prior.names == ()


def test_a_few_control_cells_do_not_enter_every_effect(planted):
    training, held, truth = planted(0, cells=400)
    shift = 0.3
    controls = replace(training.controls, n_cells=np.array([2]), mean=training.controls.mean + shift)
    noisy = replace(training, controls=controls)
    prediction = fit_model(create("salt-ls"), noisy).predict(held)
    # Salt would miss each level by the whole shift.
    assert np.abs((prediction.level - 2.0 - truth).mean()) < 0.3 * shift
