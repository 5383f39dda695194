"""Metrics of a property as textbooks define them, with intervals over families and paired differences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from pajamo.errors import DataError
from pajamo.evaluation.proteins.properties import METRICS, property_scores


def numbers(count=200, seed=0):
    rng = np.random.default_rng(seed)
    truth = np.round(rng.normal(5.0, 2.0, count), 1)  # with ties
    return truth, truth + rng.normal(0, 1.0, count), rng


def classes(count=300, seed=1):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, count)
    logits = 1.5 * np.eye(4)[truth] + rng.normal(size=(count, 4))
    return truth, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), rng


def values(table, model):
    return table[table["model"] == model].set_index("metric")["value"]


def test_numbers_are_scored_as_by_definition():
    truth, told, _ = numbers()
    found = values(property_scores("regression", truth, {"a": told}, np.arange(200), ()), "a")
    assert found["Spearman"] == pytest.approx(stats.spearmanr(truth, told)[0])
    assert found["Pearson"] == pytest.approx(stats.pearsonr(truth, told)[0])
    assert found["RMSE"] == pytest.approx(metrics.root_mean_squared_error(truth, told))
    assert found["R2"] == pytest.approx(metrics.r2_score(truth, told))


def test_classes_are_scored_as_by_definition():
    truth, told, _ = classes()
    found = values(property_scores("classification", truth, {"a": told}, np.arange(300), ()), "a")
    guessed = told.argmax(axis=1)
    assert found["accuracy"] == pytest.approx((guessed == truth).mean())
    assert found["macro F1"] == pytest.approx(metrics.f1_score(truth, guessed, average="macro"))
    assert found["log loss"] == pytest.approx(metrics.log_loss(truth, told, labels=range(4)))


@pytest.mark.parametrize("kind", ["regression", "classification"])
def test_resampled_sums_are_metrics_of_resampled_families(kind):
    truth, told, rng = numbers() if kind == "regression" else classes()
    units = rng.integers(0, 12, len(truth))
    drawn = rng.integers(0, 12, 12)
    rows = np.concatenate([np.flatnonzero(units == unit) for unit in drawn])
    counts = np.bincount(drawn, minlength=12)[None].astype(float)
    for metric in METRICS[kind]:
        if metric.name == "Spearman":
            continue  # its ranks are those among all
        terms = metric.terms(truth, told)
        sums = np.stack([terms[units == unit].sum(axis=0) for unit in range(12)])
        again = metric.terms(truth[rows], told[rows]).sum(axis=0, keepdims=True)
        np.testing.assert_allclose(metric.value(counts @ sums), metric.value(again), rtol=1e-9)


def test_what_is_constant_has_no_correlation():
    truth, told, _ = numbers()
    shown = {"a": told, "constant": np.full(200, 0.1 + 0.2)}
    table = property_scores("regression", truth, shown, np.arange(200), ["constant"])
    assert np.isnan(values(table, "constant")[["Spearman", "Pearson"]]).all()
    assert values(table, "constant")["R2"] <= 0
    by_metric = table[table["model"] == "a"].set_index("metric")
    assert by_metric.loc["Spearman", "baseline"] == ""
    assert by_metric.loc["RMSE", "better_low"] > 0


def test_differences_are_positive_where_the_model_is_better():
    truth, told, rng = numbers()
    shown = {"near": told, "far": told + rng.normal(0, 4.0, 200), "middle": told + rng.normal(0, 1.0, 200)}
    table = property_scores("regression", truth, shown, np.arange(200), ["far", "middle"])
    near = table[table["model"] == "near"]
    assert set(near["baseline"]) == {"middle"}
    assert (near["better_low"] > 0).all()
    own = table[table["model"] == "middle"]
    assert (own["better_by"] == 0).all()
    assert (table[table["model"] == "far"]["better_high"] < 0).all()


def test_relatives_do_not_count_as_independent():
    rng = np.random.default_rng(3)
    families = np.repeat(np.arange(15), 40)
    right = rng.random(15)[families] > rng.random(600)
    told = np.stack([right, ~right], axis=1).astype(float)
    wide, narrow = (
        property_scores("residues", np.zeros(600, dtype=int), {"a": told}, units, ()).iloc[0]
        for units in (families, np.arange(600))
    )
    assert wide["units"] == 15
    assert wide["high"] - wide["low"] > 2 * (narrow["high"] - narrow["low"])


def test_intervals_cover_the_truth():
    covered, truth = 0, 0.7
    for seed in range(150):
        rng = np.random.default_rng(seed)
        right = rng.random(120) < truth
        told = np.stack([right, ~right], axis=1).astype(float)
        row = property_scores(
            "residues", np.zeros(120, dtype=int), {"a": told}, np.arange(120), (), seed
        ).iloc[0]
        covered += row["low"] <= truth <= row["high"]
    assert 0.88 <= covered / 150 <= 0.99


def test_an_impossible_class_costs_no_infinity():
    told = np.array([[1.0, 0.0], [0.0, 1.0]])
    table = property_scores("classification", np.array([1, 1]), {"a": told}, np.arange(2), ())
    assert np.isfinite(table["value"]).all()


def test_nothing_to_score_is_an_error():
    with pytest.raises(DataError, match="no label"):
        property_scores("regression", np.zeros(0), {"a": np.zeros(0)}, np.zeros(0, dtype=int), ())
