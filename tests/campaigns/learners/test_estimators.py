"""Any scikit-learn estimator: which way its uncertainty is had, and that seeds are the only thing random."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.ensemble import (
    AdaBoostRegressor,
    BaggingRegressor,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import BayesianRidge, LogisticRegression, Ridge
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR, LinearSVC
from sklearn.tree import DecisionTreeRegressor

from pajamo.campaigns.learners.estimators import from_sklearn
from pajamo.campaigns.learners.independent import IndependentPredictive
from pajamo.campaigns.learners.seeding import drawn_rows, seeded, seeds
from pajamo.campaigns.predictive import ClassPredictive, SampledPredictive
from pajamo.errors import ModelError


def planted(results=50, outputs=1, seed=0):
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(results, 3))
    return table, table @ rng.normal(size=(3, outputs)) + 0.1 * rng.normal(size=(results, outputs))


def test_a_regressor_with_a_deviation_of_its_own_errs_independently():
    table, values = planted()
    predicted = from_sklearn(BayesianRidge()).fit(table, values, seed=0).predict(table[:7])
    assert isinstance(predicted, IndependentPredictive)
    mean, deviation = BayesianRidge().fit(table, values[:, 0]).predict(table[:7], return_std=True)
    np.testing.assert_allclose(predicted.mean[:, 0], mean)
    np.testing.assert_allclose(predicted.deviation[:, 0], deviation)


@pytest.mark.parametrize(
    "ensemble", [RandomForestRegressor(12), BaggingRegressor(Ridge(), 12, max_features=0.7)]
)
def test_an_ensemble_gives_its_members(ensemble):
    table, values = planted()
    predicted = from_sklearn(ensemble).fit(table, values, seed=0).predict(table[:7])
    assert isinstance(predicted, SampledPredictive)
    assert len(predicted.draws) == 12
    alone = seeded(ensemble, 0).fit(table, values[:, 0]).predict(table[:7])
    np.testing.assert_allclose(predicted.mean[:, 0], alone)


@pytest.mark.parametrize(
    "regressor",
    [
        Ridge(),
        SVR(),
        GradientBoostingRegressor(n_estimators=5),
        AdaBoostRegressor(n_estimators=4),
        KNeighborsRegressor(3),
    ],
)
def test_any_other_is_resampled_even_where_members_correct_one_another(regressor):
    table, values = planted()
    predicted = from_sklearn(regressor).fit(table, values, seed=0).predict(table[:7])
    assert predicted.draws.shape == (10, 7, 1)
    assert (predicted.variance > 0).all()


def test_resampling_has_the_spread_of_the_estimate():
    table, values = planted(200)
    fitted = from_sklearn(Ridge(1e-6), members=200).fit(table, values, seed=0)
    fresh = np.random.default_rng(9).normal(size=(20, 3))
    design, new = (np.column_stack([np.ones(len(rows)), rows]) for rows in (table, fresh))
    theory = 0.1 * np.sqrt(np.einsum("nf,nf->n", new, np.linalg.solve(design.T @ design, new.T).T))
    draws = np.stack([member.predict(fresh) for member in fitted.members])
    np.testing.assert_allclose(draws.std(axis=0), theory, rtol=0.35)


def test_several_outputs_are_learnt_together_or_the_way_is_told():
    table, values = planted(outputs=2)
    assert from_sklearn(Ridge()).fit(table, values, seed=0).predict(table).draws.shape == (10, 50, 2)
    several = MultiOutputRegressor(SVR())
    assert from_sklearn(several).fit(table, values, seed=0).predict(table).mean.shape == (50, 2)
    with pytest.raises(ModelError, match="MultiOutputRegressor"):
        from_sklearn(SVR()).fit(table, values, seed=0)


def test_classifiers_alone_as_ensembles_and_resampled():
    table, values = planted(80)
    labels = 2 * (values > 0)
    alone = from_sklearn(LogisticRegression()).fit(table, labels, seed=0).predict(table)
    assert isinstance(alone, ClassPredictive)
    assert alone.probabilities.shape == (1, 80, 3)
    np.testing.assert_array_equal(alone.mean[:, 1], 0.0)
    forest = from_sklearn(RandomForestClassifier(8), classes=4).fit(table, labels, seed=0).predict(table)
    assert forest.probabilities.shape == (8, 80, 4)
    assert (forest.mean[:, 2] > 0).any()
    again = from_sklearn(LogisticRegression(), members=11).fit(table, labels, seed=0).predict(table)
    assert again.probabilities.shape == (11, 80, 3)
    assert again.probabilities.var(axis=0).max() > 0


def test_seeds_are_set_in_every_part_and_processes_are_one():
    found = seeded(make_pipeline(StandardScaler(), RandomForestRegressor(5, n_jobs=3)), 7)
    assert found.get_params()["randomforestregressor__random_state"] == 7
    assert found.get_params()["randomforestregressor__n_jobs"] == 1
    original = DecisionTreeRegressor(random_state=3)
    seeded(original, 9)
    assert original.random_state == 3
    assert seeds(4, 3) == seeds(4, 5)[:3]
    assert seeded(original, 2**40).random_state < 2**32


def test_a_bootstrap_sample_has_two_different_results():
    assert all(len(np.unique(drawn_rows(2, seed))) == 2 for seed in range(20))


def test_what_cannot_be_a_learner_is_told():
    with pytest.raises(ModelError, match="gives no probabilities"):
        from_sklearn(LinearSVC())
    with pytest.raises(ModelError, match="neither a regressor nor a classifier"):
        from_sklearn(KMeans())
    with pytest.raises(ModelError, match="at least 10"):
        from_sklearn(Ridge(), members=3)
