"""Learners by name, and what is said of names that there are not."""

from __future__ import annotations

import importlib
import re

import pytest
from pydantic import TypeAdapter

from pajamo.campaigns.learners.registry import OWN_MODELS, learner, learner_of
from pajamo.config.campaigns.learner import LEARNERS, LearnerSettings
from pajamo.errors import StudyError


@pytest.mark.parametrize("name", sorted(LEARNERS))
def test_every_name_is_its_learner_s_own(name):
    assert learner(name).name == name
    settings = TypeAdapter(LearnerSettings).validate_python({"kind": name})
    assert type(learner_of(settings)) is type(learner(name))


def test_settings_reach_the_learner():
    assert learner("gaussian-process", kernel="matern-5/2", restarts=0).restarts == 0
    assert learner("random-forest", trees=7, records="classes").trees == 7
    assert learner("bayesian-linear", groups=[2, 3]).groups == (2, 3)


@pytest.mark.parametrize(
    ("name", "settings", "complaint"),
    [
        ("baysian-linear", {}, "did you mean 'bayesian-linear'"),
        ("deep-ensemble", {}, "a model of your own.*torch_ensemble.DeepEnsemble"),
        ("random-forest", {"tree": 5}, "unknown key 'tree'.*did you mean 'trees'"),
        ("extra-trees", {"trees": 1}, "trees: .*greater than or equal to 2"),
        ("gaussian-process", {"kernel": "cubic"}, "kernel: "),
    ],
)
def test_what_there_is_not_is_told(name, settings, complaint):
    with pytest.raises(StudyError) as caught:
        learner(name, **settings)
    assert re.search(complaint, " ".join(str(caught.value).split()))


@pytest.mark.parametrize("name", sorted(OWN_MODELS))
def test_learners_of_own_models_are_where_the_message_says(name):
    module, found = OWN_MODELS[name].rsplit(".", 1)
    assert hasattr(importlib.import_module(module), found)
