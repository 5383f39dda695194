"""Forests: draws that keep mean and spread, noise that was planted, classes that were never seen."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor

from pajamo.campaigns.learners.inputs import Results
from pajamo.campaigns.learners.members import grouped
from pajamo.campaigns.learners.trees import ExtraTrees, RandomForest, weights
from pajamo.errors import DataError


def planted(results=150, noise=0.2, seed=0):
    rng = np.random.default_rng(seed)
    table = rng.uniform(-2, 2, (results, 4))
    truth = np.column_stack([np.sign(table[:, 0]) + table[:, 1], table[:, 2] ** 2])
    return table, truth + noise * rng.normal(size=truth.shape)


@pytest.mark.parametrize(
    ("learner", "peer"), [(RandomForest, RandomForestRegressor), (ExtraTrees, ExtraTreesRegressor)]
)
@pytest.mark.parametrize("outputs", [1, 2])
def test_the_mean_is_that_of_the_forest(learner, peer, outputs):
    table, values = planted()
    values = values[:, :outputs]
    predicted = learner(trees=20).fit(table, values, seed=3).predict(table[:40])
    forest = peer(20, random_state=3).fit(table, values[:, 0] if outputs == 1 else values)
    np.testing.assert_allclose(predicted.mean, forest.predict(table[:40]).reshape(40, -1))
    assert predicted.draws.shape == (20, 40, outputs)


def test_many_trees_are_summed_up_to_draws_with_the_same_mean_and_spread():
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(4000, 5, 1)) * [[1.0], [2.0], [3.0], [0.5], [1.0]] + np.arange(5)[:, None]
    few = grouped(draws, 300)
    np.testing.assert_allclose(few.mean(axis=0), draws.mean(axis=0))
    np.testing.assert_allclose(few.std(axis=0), draws.std(axis=0), rtol=0.2)
    assert grouped(draws, 4000) is draws
    table, values = planted(60)
    assert RandomForest(trees=130).fit(table, values, seed=0).predict(table).draws.shape == (64, 60, 2)


def test_the_noise_out_of_bag_is_about_what_was_planted():
    table, values = planted(800, noise=0.5)
    fitted = RandomForest(trees=60, least_leaf=5).fit(table, values, seed=0)
    np.testing.assert_allclose(np.sqrt(fitted.noise), 0.5, rtol=0.25)


def test_the_noise_within_leaves_is_at_least_what_was_planted_or_not_told():
    table, values = planted(800, noise=0.5)
    found = np.sqrt(ExtraTrees(30, least_leaf=4).fit(table, values, seed=0).noise)
    assert (found > 0.45).all()
    assert (found < 0.6 * values.std(axis=0)).all()
    np.testing.assert_array_equal(ExtraTrees(10).fit(table, values, seed=0).noise, 0.0)


def test_known_noise_is_kept_and_weighs_results():
    table, values = planted(100)
    noise = np.full(values.shape, 0.04)
    noise[:50] = 1.0
    np.testing.assert_allclose(RandomForest(10).fit(table, values, noise, seed=0).noise, 0.52)
    found = weights(Results(table, values, noise))
    assert found.mean() == pytest.approx(1.0)
    assert found[0] < 0.5 * found[-1]
    assert weights(Results(table, values)) is None


def test_each_tree_is_a_member_and_classes_never_seen_have_probability_zero():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(60, 3))
    labels = np.where(table[:, 0] > 0, 3, 1)[:, None]
    fitted = RandomForest(15, records="classes", classes=5).fit(table, labels, seed=1)
    predicted = fitted.predict(table)
    assert predicted.probabilities.shape == (15, 60, 5)
    np.testing.assert_array_equal(predicted.probabilities[:, :, [0, 2, 4]], 0.0)
    forest = RandomForestClassifier(15, random_state=1).fit(table, labels[:, 0])
    np.testing.assert_allclose(predicted.mean[:, [1, 3]], forest.predict_proba(table))


@pytest.mark.parametrize("wrong", [0.5, -1.0, 7.0])
def test_what_is_no_class_is_told_by_its_row(wrong):
    labels = np.array([0.0, 1.0, wrong, 1.0])
    with pytest.raises(DataError, match=r"row 2 is .* which is no class"):
        RandomForest(5, records="classes", classes=3).fit(np.arange(8.0).reshape(4, 2), labels, seed=0)


def test_two_results_are_enough():
    predicted = (
        RandomForest(5)
        .fit(np.array([[0.0], [1.0]]), np.array([[0.0], [1.0]]), seed=0)
        .predict([[0.5]] @ np.eye(1))
    )
    assert np.isfinite(predicted.mean).all()
