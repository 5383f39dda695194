"""Means, paired differences and calibrated scores fit on paper; intervals cover as often as they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pajamo.errors import DataError
from pajamo.evaluation.bootstrap import Resamples
from pajamo.evaluation.comparison import MEAN_BASELINE, Summary, summarise
from pajamo.evaluation.truth import INTERPOLATED_DUPLICATE, TECHNICAL_DUPLICATE
from pajamo.evaluation.verdict import verdict


def scores_of(
    values: dict[str, list[float]], metric: str = "mse", split: str = "doubles", folds: int = 1
) -> pd.DataFrame:
    rows = [
        {
            "split": split,
            "fold": f"f{k}",
            "model": model,
            "condition": f"c{i}",
            "metric": metric,
            "value": value,
        }
        for k in range(folds)
        for model, of_model in values.items()
        for i, value in enumerate(of_model)
    ]
    return pd.DataFrame(rows)


def row(summary: Summary, model: str) -> pd.Series:
    return summary.table.set_index("model").loc[model]


LADDER = {
    MEAN_BASELINE: [4.0, 6.0, 8.0],
    "salt": [2.0, 3.0, 4.0],
    "peper": [1.0, 2.0, 3.0],
    TECHNICAL_DUPLICATE: [1.0, 1.0, 1.0],
}


def test_summary_fits_on_paper() -> None:
    summary = summarise(scores_of(LADDER), [MEAN_BASELINE, "salt", "not-run"])
    assert summary.baselines == (MEAN_BASELINE, "salt")
    peper = row(summary, "peper")
    assert peper["mean"] == 2
    assert peper["best_baseline"] == "salt"
    assert peper["improvement"] == 1
    assert (peper["improvement_low"], peper["improvement_high"]) == (1, 1)
    assert peper["outcome"] == "beats"
    assert peper["calibrated"] == pytest.approx((6 - 2) / (6 - 1))
    assert row(summary, "salt")["outcome"] == "best baseline"
    assert row(summary, MEAN_BASELINE)["outcome"] == "loses"
    assert row(summary, MEAN_BASELINE)["calibrated"] == 0
    assert row(summary, TECHNICAL_DUPLICATE)["calibrated"] == 1
    assert row(summary, TECHNICAL_DUPLICATE)["outcome"] == "ceiling"
    assert [row(summary, m)["rank"] for m in ("peper", "salt", MEAN_BASELINE)] == [1, 2, 3]
    assert np.isnan(row(summary, TECHNICAL_DUPLICATE)["rank"])


def test_direction_of_the_metric_is_respected() -> None:
    values = {MEAN_BASELINE: [0.1, 0.2], "salt": [0.5, 0.7], "peper": [0.4, 0.6]}
    summary = summarise(scores_of(values, "pearson_delta"), [MEAN_BASELINE, "salt"])
    assert row(summary, "peper")["best_baseline"] == "salt"
    assert row(summary, "peper")["improvement"] == pytest.approx(-0.1)
    assert row(summary, "peper")["outcome"] == "loses"
    assert row(summary, "salt")["rank"] == 1


def test_scale_without_length_says_why() -> None:
    blunt = LADDER | {TECHNICAL_DUPLICATE: [9.0, 9.0, 9.0]}
    worse = row(summarise(scores_of(blunt), [MEAN_BASELINE]), "peper")
    assert np.isnan(worse["calibrated"])
    assert "not better" in worse["calibrated_note"]
    absent = {name: v for name, v in LADDER.items() if name != TECHNICAL_DUPLICATE}
    assert "was not scored" in row(summarise(scores_of(absent), [MEAN_BASELINE]), "peper")["calibrated_note"]


def test_equal_models_tie_and_share_a_rank_in_spite_of_rounding() -> None:
    values = {"salt": [0.3, 0.2, 0.1], "twin": [0.1 + 0.2, 0.2, 0.1]}
    summary = summarise(scores_of(values), ["salt"])
    assert row(summary, "twin")["outcome"] == "ties"
    assert row(summary, "twin")["rank"] == row(summary, "salt")["rank"] == 1.5


def test_conditions_without_a_value_are_left_out_of_pairs_only() -> None:
    values = {"salt": [1.0, np.nan, 3.0], "peper": [0.0, 5.0, 2.0]}
    summary = summarise(scores_of(values), ["salt"])
    assert row(summary, "salt")["mean"] == 2
    assert row(summary, "salt")["n_conditions"] == 2
    assert row(summary, "peper")["n_conditions"] == 3
    assert row(summary, "peper")["improvement"] == 1


def test_repeated_folds_do_not_narrow_the_interval() -> None:
    rng = np.random.default_rng(0)
    values = {"salt": list(rng.normal(size=20)), "peper": list(rng.normal(size=20))}
    once, often = (summarise(scores_of(values, folds=k), ["salt"]) for k in (1, 10))
    columns = ["mean", "low", "high", "improvement_low", "improvement_high"]
    pd.testing.assert_frame_equal(once.table[columns], often.table[columns])
    assert set(often.table["n_folds"]) == {10}


def test_same_seed_same_summary_and_splits_do_not_mix() -> None:
    one = scores_of(LADDER)
    two = scores_of({m: [v + 1 for v in values] for m, values in LADDER.items()}, split="cluster")
    both = summarise(pd.concat([one, two]), ["salt"])
    alone = summarise(one, ["salt"])
    pd.testing.assert_frame_equal(both.table[both.table["split"] == "doubles"], alone.table)


def test_single_perturbation_has_no_interval() -> None:
    summary = summarise(scores_of({"salt": [1.0], "peper": [0.5]}), ["salt"])
    assert row(summary, "peper")["improvement"] == 0.5
    assert np.isnan(row(summary, "peper")["low"])
    assert row(summary, "peper")["outcome"] == "ties"


@pytest.mark.parametrize("n", [8, 40])
def test_intervals_cover_as_often_as_they_say(n: int) -> None:
    rng = np.random.default_rng(1)
    trials, level = 600, 0.9
    resamples = Resamples.draw(np.arange(n), 500, level, seed=2)
    point, drawn = resamples.means(rng.normal(size=(n, trials)))
    low, high = resamples.interval(drawn, n)
    assert ((low < point) & (point < high)).all()
    assert np.mean((low < 0) & (high > 0)) == pytest.approx(level, abs=0.035)


def test_bootstrap_spread_is_the_standard_error() -> None:
    values = np.random.default_rng(3).normal(size=(50, 1))
    _, drawn = Resamples.draw(np.arange(50), 20000, 0.95, seed=0).means(values)
    assert drawn.std() == pytest.approx(values.std() / np.sqrt(50), rel=0.03)


def test_bad_tables_are_refused() -> None:
    scores = scores_of(LADDER)
    with pytest.raises(DataError, match="lack columns: fold"):
        summarise(scores.drop(columns="fold"), ["salt"])
    with pytest.raises(DataError, match="no scores"):
        summarise(scores.iloc[:0], ["salt"])
    with pytest.raises(DataError, match="1 scores occur twice"):
        summarise(pd.concat([scores, scores.iloc[:1]]), ["salt"])


def test_verdict_names_model_margin_interval_and_split() -> None:
    found = verdict(summarise(scores_of(LADDER), [MEAN_BASELINE, "salt"]), "mse")
    assert (found.model, found.baseline, found.outcome) == ("peper", "salt", "beats")
    assert found.improvement == 1
    assert found.sentence == (
        "On doubles (3 held-out conditions, 1 fold), peper beats the best baseline, salt "
        "(mean squared error 2 against 3, lower is better; improvement 1, 95% interval 1 to 1)."
    )


def test_verdict_admits_when_nothing_beats_the_baseline() -> None:
    losing = LADDER | {"peper": [3.0, 4.0, 5.0]}
    lost = verdict(summarise(scores_of(losing), ["salt"]), "mse")
    assert lost.outcome == "loses"
    assert "no model beats the best baseline, salt: the best, peper, loses to it" in lost.sentence
    tied = verdict(summarise(scores_of(LADDER | {"peper": [3.0, 3.0, 3.0]}), ["salt"]), "mse")
    assert tied.outcome == "ties"
    assert "no model beats" in tied.sentence


def test_verdict_without_models_or_baselines_says_so() -> None:
    only = verdict(summarise(scores_of(LADDER), ["salt", "peper", MEAN_BASELINE]), "mse")
    assert only.outcome == "baselines only"
    assert only.model == "peper"
    none = verdict(summarise(scores_of(LADDER), []), "mse")
    assert none.outcome == "no baseline"
    assert "no baseline was run" in none.sentence


def test_verdict_needs_one_split_with_values() -> None:
    two = pd.concat([scores_of(LADDER), scores_of(LADDER, split="cluster")])
    summary = summarise(two, ["salt"])
    with pytest.raises(DataError, match="no single summary"):
        verdict(summary, "mse")
    assert "On cluster (" in verdict(summary, "mse", "cluster").sentence
    with pytest.raises(DataError, match="no single summary"):
        verdict(summary, "mmd")
    blank = replace(summary, table=summary.table.assign(mean=np.nan))
    with pytest.raises(DataError, match="no value"):
        verdict(blank, "mse", "cluster")


def test_dynamic_range_fits_on_paper() -> None:
    summary = summarise(scores_of(LADDER), [MEAN_BASELINE])
    # From a mean error of 6 the duplicate goes 5 of the 6 to a perfect 0.
    assert row(summary, "peper")["dynamic_range"] == pytest.approx(5 / 6)
    assert np.isnan(row(summary, "peper")["dynamic_range_interpolated"])
    rising = {MEAN_BASELINE: [0.2, 0.4], "m": [0.5, 0.5], TECHNICAL_DUPLICATE: [0.6, 0.8]}
    assert row(summarise(scores_of(rising, "pearson_delta"), []), "m")["dynamic_range"] == pytest.approx(
        4 / 7
    )
    worse = {MEAN_BASELINE: [0.1], "m": [0.1], TECHNICAL_DUPLICATE: [9.0]}
    assert row(summarise(scores_of(worse), []), "m")["dynamic_range"] == -1


def test_interpolated_duplicate_is_a_ceiling_without_rank() -> None:
    ladder = LADDER | {INTERPOLATED_DUPLICATE: [0.5, 0.5, 0.5]}
    found = row(summarise(scores_of(ladder), [MEAN_BASELINE, "salt"]), INTERPOLATED_DUPLICATE)
    assert found["outcome"] == "ceiling"
    assert np.isnan(found["rank"])
    assert found["dynamic_range_interpolated"] == pytest.approx(5.5 / 6)
    assert row(summarise(scores_of(ladder), ["salt"]), "peper")["rank"] == 1
