"""Areas under curves from counts by place, their resamples, and differences of two models."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from pajamo.data.assays.assay import Experiment
from pajamo.errors import DataError
from pajamo.evaluation.pairs.comparing import pair_scores
from pajamo.evaluation.pairs.discrimination import difference, discrimination, figures, per_guide
from pajamo.evaluation.pairs.ranking import Ranking, auprc, auroc


def sites(rows=600, guides=8, seed=0):
    """Sites of guides, some found; a score that knows a little, with ties."""
    rng = np.random.default_rng(seed)
    label = (rng.random(rows) < 0.1).astype(float)
    said = np.round(label + rng.normal(size=rows), 1)
    return said, label, rng.integers(0, guides, rows)


@pytest.mark.parametrize("seed", range(5))
def test_areas_are_those_of_scikit_learn(seed):
    said, label, _ = sites(seed=seed)
    assert auroc(said, label) == pytest.approx(roc_auc_score(label, said))
    assert auprc(said, label) == pytest.approx(average_precision_score(label, said))


def test_areas_of_a_resample_are_those_of_its_rows():
    said, label, guide = sites()
    weights = np.random.default_rng(1).integers(0, 4, size=(3, 8))
    roc, precision = Ranking.of(said, label, guide).areas(weights.astype(float))
    for row, own in enumerate(weights):
        rows = np.repeat(np.arange(len(said)), own[guide])
        assert roc[row] == pytest.approx(roc_auc_score(label[rows], said[rows]))
        assert precision[row] == pytest.approx(average_precision_score(label[rows], said[rows]))


def test_only_the_order_counts():
    said, label, guide = sites()
    one, other = (discrimination(each, label, guide) for each in (said, np.exp(said)))
    assert one == other


def test_a_perfect_and_a_blind_model():
    _, label, _ = sites()
    assert auroc(label, label) == auprc(label, label) == 1.0
    assert auroc(np.zeros(len(label)), label) == 0.5
    assert auprc(np.zeros(len(label)), label) == pytest.approx(label.mean())


def test_without_both_labels_nothing_is_known():
    assert np.isnan(auroc(np.arange(4.0), np.zeros(4)))
    assert np.isnan(auprc(np.arange(4.0), np.ones(4)))


def test_guides_are_judged_alone_and_averaged():
    said, label, guide = sites()
    label[guide == 3] = 0
    table = per_guide(said, label, guide).set_index("guide")
    assert np.isnan(table.loc[3, "auprc"])
    of = guide == 5
    assert table.loc[5, "auprc"] == pytest.approx(average_precision_score(label[of], said[of]))
    assert discrimination(said, label, guide)["guide_auprc"] == pytest.approx(table["auprc"].mean())


def test_guides_are_resampled_where_there_are_enough():
    said, label, guide = sites()
    assert discrimination(said, label, guide)["resampled"] == "guides"
    few = discrimination(said, label, guide % 2)
    assert few["resampled"] == "rows"
    assert few["auroc_low"] < few["auroc"] < few["auroc_high"]
    assert np.isnan(few["guide_auprc_low"])
    assert few["guide_auprc"] == pytest.approx(per_guide(said, label, guide % 2)["auprc"].mean())


def test_guides_that_differ_make_intervals_wide():
    rng = np.random.default_rng(5)
    guide = np.repeat(np.arange(10), 200)
    label = (rng.random(2000) < 0.2).astype(float)
    good = guide % 2 == 0
    said = np.where(good, label, 0.0) + 0.3 * rng.normal(size=2000)
    by_guide, by_row = (discrimination(said, label, own) for own in (guide, None))
    widths = [each["auroc_high"] - each["auroc_low"] for each in (by_guide, by_row)]
    assert widths[0] > 2 * widths[1]


def test_differences_are_paired():
    said, label, guide = sites(rows=3000, guides=12)
    worse = said + 0.3 * np.random.default_rng(6).normal(size=len(said))
    found = difference(said, worse, label, guide).set_index("metric")
    apart = auroc(said, label) - auroc(worse, label)
    assert found.loc["auroc", "difference"] == pytest.approx(apart)
    alone = discrimination(said, label, guide)
    paired = found.loc["auroc", "high"] - found.loc["auroc", "low"]
    assert paired < alone["auroc_high"] - alone["auroc_low"]
    same = difference(said, said, label, guide)
    assert (same[["difference", "low", "high"]] == 0).all(axis=None)


def test_resamples_are_the_same_for_every_model():
    said, label, guide = sites()
    both = figures([said, said], label, guide, seed=7)
    np.testing.assert_array_equal(both[0]["auprc"], both[1]["auprc"])


def test_one_row_a_model():
    said, label, guide = sites()
    rows = len(said)
    codes, sets = np.zeros((rows, 3), np.uint8), np.zeros(rows, np.int8)
    cuts = Experiment("cuts", codes, {"label": label, "guide": guide.astype(float)}, sets)
    table = pair_scores(cuts, {"one": said, "blind": np.zeros(rows)})
    assert table["model"].tolist() == ["one", "blind"]
    assert table["auroc"].tolist() == [pytest.approx(auroc(said, label)), 0.5]
    rates = Experiment("rates", codes, {"value": said, "censored": np.zeros(rows)}, sets)
    assert pair_scores(rates, {"self": said})["pearson"].iloc[0] == pytest.approx(1.0)


def test_what_cannot_be_judged_is_refused():
    nothing = Experiment("none", np.zeros((0, 3), np.uint8), {"label": np.zeros(0)}, np.zeros(0, np.int8))
    with pytest.raises(DataError, match="no rows"):
        pair_scores(nothing, {})
    counts = Experiment("bins", np.zeros((1, 3), np.uint8), {"counts": np.ones((1, 2))}, np.zeros(1, np.int8))
    with pytest.raises(DataError, match="rates and cuts"):
        pair_scores(counts, {})
