"""The default policy: which acquisition stands behind which situation, and that it says so."""

import numpy as np
import pytest

from pajamo.campaigns.acquisition.choosing import choose_batch
from pajamo.campaigns.acquisition.default import ENOUGH_PER_CLASS, SPREAD_OF_WORLDS, Default
from pajamo.campaigns.acquisition.thompson import Thompson
from pajamo.campaigns.predictive import ClassPredictive, FactorPredictive
from pajamo.campaigns.situation import Situation, Target
from pajamo.errors import StudyError


def situation(predictive, measured=0, target=None):
    rng = np.random.default_rng(0)
    return Situation(
        rng.normal(size=(30, 2)),
        np.ones(30, dtype=bool),
        predictive,
        measured_features=rng.normal(size=(measured, 2)),
        measured=np.zeros((measured, 1)),
        target=target or Target(),
    )


CLASSES = ClassPredictive(np.random.default_rng(1).dirichlet(np.ones(3), 30))
VALUES = FactorPredictive(np.zeros(30), np.random.default_rng(2).normal(size=(30, 4)), noise=0.1)
ENOUGH = int(np.ceil(3 * ENOUGH_PER_CLASS))


@pytest.mark.parametrize(
    ("goal", "given", "expected"),
    [
        ("model", situation(None), "k-means"),
        ("hits", situation(None), "k-means"),
        ("model", situation(CLASSES, ENOUGH - 1), "k-means"),
        ("model", situation(CLASSES, ENOUGH), "diverse-margin"),
        ("model", situation(VALUES, 5), "lcmd"),
        ("hits", situation(VALUES, 5), "thompson"),
        ("hits", situation(VALUES, 5, Target(threshold=0.3)), "probability-of-hit"),
        ("optimum", situation(VALUES, 5, Target(threshold=0.3)), "thompson"),
    ],
)
def test_the_situation_decides(goal, given, expected):
    acquisition, because = Default(goal).decide(given)
    assert acquisition.name == expected
    assert because
    found = choose_batch(Default(goal), given, 4)
    assert expected in Default(goal).why(found, 0)
    given.rng.bit_generator.state = np.random.default_rng(3).bit_generator.state
    first = choose_batch(Default(goal), given, 4)
    given.rng.bit_generator.state = np.random.default_rng(3).bit_generator.state
    np.testing.assert_array_equal(first.rows, choose_batch(acquisition, given, 4).rows)


def test_failed_measurements_do_not_count_as_results():
    given = situation(CLASSES, ENOUGH)
    given.measured[:2] = np.nan
    assert Default().decide(given)[0].name == "k-means"


@pytest.mark.parametrize(("goal", "spread"), [("hits", SPREAD_OF_WORLDS), ("optimum", 1.0)])
def test_many_hits_rely_more_on_what_is_expected_than_the_one_best(goal, spread):
    assert Default(goal).decide(situation(VALUES, 5))[0] == Thompson(spread=spread)


def test_an_unknown_goal_is_refused():
    with pytest.raises(StudyError, match="did you mean 'model'"):
        Default("modell")
