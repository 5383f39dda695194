"""Figures of rates: correlations within the limits, and the order of pairs that is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pajamo.evaluation.pairs.metrics import (
    clipped,
    concordance,
    correlation_difference,
    correlations,
    pearson,
    spearman,
)


def naive(said, value, censored):
    """Every pair of rows, one by one."""
    agree = known = 0.0
    for i in range(len(said)):
        for j in range(len(said)):
            most = np.inf if censored[i] > 0 else value[i]
            least = -np.inf if censored[j] < 0 else value[j]
            if most < least:
                known += 1
                agree += 1.0 if said[i] < said[j] else 0.5 if said[i] == said[j] else 0.0
    return agree / known if known else np.nan


@pytest.mark.parametrize("rows", [1, 2, 3, 8, 33])
def test_concordance_is_that_of_all_pairs(rows):
    rng = np.random.default_rng(rows)
    for _ in range(5):
        said = rng.integers(0, 5, rows).astype(float)
        value, censored = rng.integers(0, 8, rows).astype(float), rng.integers(-1, 2, rows)
        np.testing.assert_allclose(concordance(said, value, censored), naive(said, value, censored))


def test_concordance_of_labels_is_the_area_under_the_curve():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    label, said = (rng.random(500) < 0.2).astype(float), rng.integers(0, 40, 500).astype(float)
    assert concordance(said, label) == pytest.approx(roc_auc_score(label, said))


def test_perfect_and_reversed_orders():
    value = np.arange(10.0)
    assert concordance(np.exp(value), value) == 1.0
    assert concordance(-value, value) == 0.0
    assert concordance(np.zeros(10), value) == 0.5


def test_nothing_is_known_of_two_rates_below_the_limit():
    assert np.isnan(concordance(np.array([1.0, 2.0]), np.array([-5.0, -5.0]), np.array([-1, -1])))


def test_correlations_are_those_of_scipy():
    rng = np.random.default_rng(1)
    value = rng.normal(size=300)
    said = value + rng.normal(size=300)
    assert pearson(said, value) == pytest.approx(stats.pearsonr(said, value).statistic)
    assert spearman(said.round(1), value) == pytest.approx(stats.spearmanr(said.round(1), value).statistic)


def test_correlation_forgives_offset_and_scale():
    rng = np.random.default_rng(2)
    value, said = rng.normal(size=50), rng.normal(size=50)
    assert pearson(1e6 + 1e-3 * said, value) == pytest.approx(pearson(said, value), rel=1e-6)


def test_a_prediction_that_never_changes_says_nothing():
    assert pearson(np.full(20, 3.3), np.arange(20.0)) == 0.0


def test_predictions_are_clipped_at_the_limits_alone():
    value, censored = np.array([-5.0, -3.0, -1.0]), np.array([-1, 0, 1])
    said = np.array([-9.0, -6.0, 2.0])
    assert clipped(said, value, censored).tolist() == [-5.0, -5.0, -1.0]
    assert clipped(said, value, np.zeros(3)).tolist() == said.tolist()
    assert clipped(said, value, None).tolist() == said.tolist()


def test_what_lies_below_the_limit_changes_no_correlation():
    rng = np.random.default_rng(3)
    truth = rng.normal(-4, 1.5, 400)
    value, censored = np.maximum(truth, -5.0), -(truth <= -5.0).astype(float)
    deeper = np.where(truth < -5.0, 3 * truth, truth)
    one, other = (correlations(said, value, censored) for said in (truth, deeper))
    assert one["pearson"] == pytest.approx(other["pearson"]) == pytest.approx(1.0)
    assert one["concordance"] == 1.0


def test_differences_of_correlations_are_paired():
    rng = np.random.default_rng(5)
    value = rng.normal(size=800)
    said = value + rng.normal(size=800)
    worse = said + 0.2 * rng.normal(size=800)
    found = correlation_difference(said, worse, value)
    assert found["difference"] == pytest.approx(pearson(said, value) - pearson(worse, value))
    assert found["low"] < found["difference"] < found["high"]
    alone = correlations(said, value)
    assert found["high"] - found["low"] < alone["pearson_high"] - alone["pearson_low"]
    same = correlation_difference(said, said, value)
    assert list(same.values()) == pytest.approx([0, 0, 0], abs=1e-12)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(4)
    held = 0
    for number in range(60):
        drawn = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], size=150)
        found = correlations(drawn[:, 0], drawn[:, 1], seed=number)
        held += found["pearson_low"] <= 0.6 <= found["pearson_high"]
    assert held >= 52
