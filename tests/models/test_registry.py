"""Models are found by name, and bad names and settings are explained."""

from __future__ import annotations

import pytest

from pajamo.errors import ModelError, StudyError
from pajamo.models.base import Model
from pajamo.models.registry import create, models, register


def test_baselines_come_first_and_include_the_ones_every_report_needs():
    flags = [model.card.baseline for model in models().values()]
    assert flags == sorted(flags, reverse=True)
    needed = {"no-change", "mean-perturbation", "mean-double", "nearest", "average-singles", "linear", "salt"}
    assert needed <= {name for name, model in models().items() if model.card.baseline}


def test_unknown_model_is_answered_with_the_nearest():
    with pytest.raises(ModelError, match="did you mean 'scaled-salt'"):
        create("scaled-slat")


def test_unknown_setting_is_answered_with_the_valid_ones():
    with pytest.raises(StudyError, match="valid here: dimensions, folds"):
        create("linear", {"dimension": 3})


def test_two_models_cannot_share_a_name():
    class Impostor(Model):
        card = models()["salt"].card

    with pytest.raises(ValueError, match="two models"):
        register(Impostor)
