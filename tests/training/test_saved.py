"""Models on disk: what is refused, and that a failed save leaves the earlier file."""

from __future__ import annotations

import numpy as np
import pytest

from pajamo.data.conditions import Condition
from pajamo.errors import IntegrityError, ModelError, StorageError
from pajamo.models.registry import create
from pajamo.training.checkpoints import read_state, write_state
from pajamo.training.saved import load_model, save_model


@pytest.fixture
def fitted(training):
    return create("salt", seed=4).fit(training)


def test_names_seed_and_controls_come_back(fitted, training, tmp_path):
    save_model(fitted, tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    assert loaded.seed == 4
    assert loaded.card.name == "salt"
    assert list(loaded.reference.genes) == ["x", "y"]
    assert loaded.reference.seen == frozenset(training.conditions)
    np.testing.assert_array_equal(loaded.reference.control, training.controls.mean)


def test_settings_come_back(training, tmp_path):
    save_model(create("linear", {"dimensions": 1}).fit(training), tmp_path / "model")
    assert load_model(tmp_path / "model").settings.dimensions == 1


def test_newer_format_is_named(fitted, tmp_path):
    save_model(fitted, tmp_path / "model")
    arrays, facts = read_state(tmp_path / "model")
    write_state(tmp_path / "model", arrays, facts | {"format": 99, "pajamo": "9.9"})
    with pytest.raises(IntegrityError, match=r"format 99.*\n.*\n.*9\.9"):
        load_model(tmp_path / "model")


def test_model_that_no_longer_exists_is_named(fitted, tmp_path):
    save_model(fitted, tmp_path / "model")
    arrays, facts = read_state(tmp_path / "model")
    write_state(tmp_path / "model", arrays, facts | {"model": "salty"})
    with pytest.raises(ModelError, match=r"'salty'[\s\S]*did you mean 'salt'"):
        load_model(tmp_path / "model")


def test_failed_save_leaves_the_earlier_model(fitted, training, tmp_path, monkeypatch):
    save_model(fitted, tmp_path / "model")
    before = fitted.predict([Condition(("A", "B"))])

    def refuse(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pajamo.training.checkpoints.save_file", refuse)
    with pytest.raises(StorageError, match="disk is full"):
        save_model(create("no-change").fit(training), tmp_path / "model")
    after = load_model(tmp_path / "model").predict([Condition(("A", "B"))])
    np.testing.assert_array_equal(after.delta, before.delta)
