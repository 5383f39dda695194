"""What every registered model must do. A new model adds no test here; it only has to pass them."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pajamo.data.conditions import Condition
from pajamo.data.prediction import Prediction
from pajamo.errors import ModelError
from pajamo.models.base import DrawsCells, Learned, Model
from pajamo.models.registry import create, models
from pajamo.training.saved import load_model, save_model

every_model = pytest.mark.parametrize("name", list(models()))
ROUNDING = {True: 1e-4, False: 1e-6}
"""How far the order of rows and columns may move a prediction: learned in float32, or closed."""


def tolerance(model: Model) -> float:
    return ROUNDING[isinstance(model, Learned)]


def assert_same_bits(one: Prediction, other: Prediction) -> None:
    for array in ("delta", "sd", "control", "level"):
        np.testing.assert_array_equal(getattr(one, array), getattr(other, array))
    np.testing.assert_array_equal(one.trusted, other.trusted)


def assert_usable(prediction: Prediction) -> None:
    assert np.isfinite(prediction.delta).all()
    assert np.isfinite(prediction.sd).all()
    assert (prediction.sd >= 0).all()


def prediction_or_error(model: Model, asked: list[Condition]) -> Prediction | ModelError:
    try:
        return model.predict(asked)
    except ModelError as error:
        return error


@every_model
def test_card_is_complete(name):
    card = models()[name].card
    for field in fields(card):
        if field.name not in ("weights", "baseline", "assumes"):
            assert getattr(card, field.name), f"{field.name} of the card is empty"
    assert card.name == name
    assert all(card.weights.values())


@every_model
@pytest.mark.parametrize("world", ["doubles", "time", "growth"])
def test_predicts_or_says_why_not(cases, name, world):
    world = cases.worlds[world]()
    reason = cases.make(name).refusal(world.training, world.asked)
    if reason is None:
        prediction = cases.fit(name, world.training).predict(world.asked)
        assert_usable(prediction)
    else:
        assert reason.strip()


@every_model
def test_prediction_is_labelled(cases, name):
    world = cases.world(name)
    prediction = cases.fitted(name).predict(world.asked)
    shape = (len(world.asked), world.training.n_genes)
    assert prediction.delta.shape == prediction.sd.shape == prediction.control.shape == shape
    assert prediction.conditions == world.asked
    assert list(prediction.genes) == list(world.training.genes)
    assert prediction.unit == world.training.unit
    assert prediction.model == name
    # A model may refine the control within its error, and no further.
    error = np.sqrt(world.training.control_variance_of_mean(world.asked))
    assert (np.abs(prediction.control - world.training.control_mean(world.asked)) <= 2.001 * error).all()
    assert ((prediction.trusted >= 0) & (prediction.trusted <= 1)).all()


@every_model
def test_saved_and_loaded_model_predicts_the_same_bits(cases, name, tmp_path: Path):
    world, model = cases.world(name), cases.fitted(name)
    save_model(model, tmp_path / "model.safetensors")
    loaded = load_model(tmp_path / "model.safetensors")
    assert type(loaded) is type(model)
    assert_same_bits(model.predict(world.asked), loaded.predict(world.asked))
    pd.testing.assert_frame_equal(model.weights(), loaded.weights())


@every_model
def test_same_seed_same_bits(cases, name):
    world = cases.world(name)
    again = cases.fit(name, world.training)
    assert_same_bits(cases.fitted(name).predict(world.asked), again.predict(world.asked))


@every_model
def test_order_of_training_conditions_does_not_matter(cases, name):
    world = cases.world(name)
    order = np.random.default_rng(1).permutation(len(world.training.conditions)).tolist()
    moved = cases.fit(name, cases.reordered(world.training, order, range(world.training.n_genes)))
    before, after = cases.fitted(name).predict(world.asked), moved.predict(world.asked)
    np.testing.assert_allclose(after.delta, before.delta, atol=tolerance(moved))
    np.testing.assert_allclose(after.sd, before.sd, atol=tolerance(moved))


@every_model
def test_order_of_genes_does_not_matter(cases, name):
    world = cases.world(name)
    genes = np.random.default_rng(2).permutation(world.training.n_genes).tolist()
    moved = cases.fit(name, cases.reordered(world.training, range(len(world.training.conditions)), genes))
    before, after = cases.fitted(name).predict(world.asked), moved.predict(world.asked)
    assert list(after.genes) == list(before.genes[genes])
    np.testing.assert_allclose(after.delta, before.delta[:, genes], atol=tolerance(moved))
    np.testing.assert_allclose(after.sd, before.sd[:, genes], atol=tolerance(moved))


@every_model
def test_order_of_genes_within_a_condition_does_not_matter(cases, name):
    world = cases.world(name)
    swapped = [Condition(c.genes[::-1], c.context, c.time) for c in world.asked]
    assert_same_bits(cases.fitted(name).predict(world.asked), cases.fitted(name).predict(swapped))


@every_model
def test_what_else_is_asked_does_not_matter(cases, name):
    world, model = cases.world(name), cases.fitted(name)
    together = model.predict(world.asked)
    for row, condition in enumerate(world.asked):
        alone = model.predict([condition])
        np.testing.assert_allclose(alone.delta[0], together.delta[row], atol=1e-6)
        np.testing.assert_allclose(alone.sd[0], together.sd[row], atol=1e-6)


@every_model
def test_control_is_predicted_as_no_change(cases, name):
    world, model = cases.world(name), cases.fitted(name)
    prediction = model.predict([world.asked[0].control, world.asked[0]])
    np.testing.assert_array_equal(prediction.delta[0], 0.0)
    np.testing.assert_array_equal(prediction.level[0], prediction.control[0])


@every_model
def test_nothing_asked_is_an_empty_prediction(cases, name):
    assert cases.fitted(name).predict([]).delta.shape == (0, cases.world(name).training.n_genes)


@every_model
def test_one_cell_per_condition(cases, name):
    world = cases.worlds[cases.world_name(name)](cells=1)
    reason = cases.make(name).refusal(world.training, world.asked)
    if reason is None:
        assert_usable(cases.fit(name, world.training).predict(world.asked))
    else:
        assert reason.strip()


@every_model
def test_missing_single_is_refused_or_bridged(cases, name):
    world = cases.worlds["doubles"]()
    training = cases.without(world.training, world.asked[0].parts()[0])
    reason = cases.make(name).refusal(training, world.asked[:1])
    if reason is None:
        assert_usable(cases.fit(name, training).predict(world.asked[:1]))
    else:
        assert reason.strip()


@every_model
def test_only_singles_in_training(cases, name):
    world = cases.worlds["doubles"]()
    training = world.training
    for condition in [c for c in training.conditions if c.order == 2]:
        training = cases.without(training, condition)
    reason = cases.make(name).refusal(training, world.asked)
    if reason is None:
        assert_usable(cases.fit(name, training).predict(world.asked))
    else:
        assert reason.strip()


@every_model
def test_three_perturbations_at_once(cases, name):
    world = cases.worlds["doubles"]()
    triple = [Condition(("G0", "G1", "G2"))]
    reason = cases.make(name).refusal(world.training, triple)
    if reason is None:
        assert_usable(cases.fit(name, world.training).predict(triple))
    else:
        assert reason.strip()


@every_model
def test_values_that_are_not_finite_are_named(cases, name):
    training = cases.world(name).training
    mean = training.moments.mean.copy()
    mean[1, -1] = np.nan
    broken = replace(training, moments=replace(training.moments, mean=mean))
    with pytest.raises(ModelError, match=str(training.genes[-1])):
        cases.fit(name, broken)


@every_model
def test_empty_training_set_is_an_error(cases, name):
    training = cases.world(name).training
    empty = replace(training, conditions=(), moments=training.moments[[]])
    with pytest.raises(ModelError, match="no perturbed condition"):
        cases.fit(name, empty)


@every_model
def test_unknown_perturbation_is_predicted_or_named(cases, name):
    world = cases.world(name)
    asked = [replace(world.asked[0], genes=("NEVER1", "NEVER2"))]
    outcome = prediction_or_error(cases.fitted(name), asked)
    if isinstance(outcome, ModelError):
        assert "NEVER1" in str(outcome)
    else:
        assert_usable(outcome)


@every_model
@pytest.mark.parametrize("elsewhere", [{"context": "nowhere"}, {"time": 99.0}])
def test_setting_without_controls_is_an_error(cases, name, elsewhere):
    with pytest.raises(ModelError, match="no control"):
        cases.fitted(name).predict([replace(cases.world(name).asked[0], **elsewhere)])


@every_model
def test_unfitted_model_says_so(name, tmp_path: Path):
    model = create(name)
    with pytest.raises(ModelError, match="not fitted"):
        model.predict([Condition(("G0",))])
    with pytest.raises(ModelError, match="not fitted"):
        save_model(model, tmp_path / "model.safetensors")


@every_model
def test_weights_are_those_of_the_card(cases, name):
    table = cases.fitted(name).weights()
    assert list(table.columns) == ["quantity", "of", "value", "se", "unit"]
    assert set(table["quantity"]) == set(cases.fitted(name).card.weights)
    assert np.isfinite(table["value"].to_numpy(dtype=float)).all()
    assert (table["unit"].astype(str).str.len() > 0).all()


@every_model
def test_drawn_cells_are_cells(cases, name):
    world, model = cases.world(name), cases.fitted(name)
    if not isinstance(model, DrawsCells):
        assert not hasattr(model, "draw")
        return
    for condition in (*world.asked, world.asked[0].control):
        cells = model.draw(condition, 7, np.random.default_rng(5))
        assert cells.shape == (7, world.training.n_genes)
        assert cells.dtype == np.float32
        assert np.isfinite(cells).all()
        assert (cells >= 0).all()
        np.testing.assert_array_equal(cells, model.draw(condition, 7, np.random.default_rng(5)))
