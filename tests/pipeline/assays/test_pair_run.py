"""A study of guide-target pairs from its tables to a report: every table, the verdict, scores of new pairs."""

import numpy as np
import pandas as pd
import pytest
from tests.pipeline.assays.simulated_pairs import LIMIT, STEPS, cycle, pair_table, rate_study

import pajamo
from pajamo.pipeline.assays.pair_scoring import predict_pair_table, score_pair_table


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pairs")


@pytest.fixture(scope="module")
def table(folder):
    made = pair_table(8, 720)
    made.to_csv(folder / "pairs.csv", index=False)
    return made


@pytest.fixture(scope="module")
def run(folder, table):
    guides = list(dict.fromkeys(table["guide"]))
    study = rate_study(
        folder / "pairs.csv",
        test_guides=guides[:5],
        models={"starts": 1},
        mechanisms={"loop": {"kind": "r-loop", "steps": STEPS}, "cycle": cycle()},
    )
    return pajamo.run(study, runs=folder / "runs")


def test_a_run_on_rates_is_whole(run):
    assert run.verify() > 0
    kinds = run.summary.groupby("model")["kind"].first().to_dict()
    assert kinds == {
        "mean": "baseline", "additive": "baseline", "shared": "baseline", "loop": "mechanism", "cycle": "mechanism",
    }  # fmt: skip
    for name in ("rates", "landscape", "control", "costs", "mutagenesis", "identifiability", "parameters"):
        assert set(run.table(name)["model"]) == {"loop", "cycle"}
    assert not (run.path / "footprints.csv").exists()
    assert not (run.path / "energies.csv").exists()


def test_the_verdict_says_over_how_many_guides(run):
    assert "over 5 guides" in run.verdict["sentence"]
    assert run.verdict["model"] in ("loop", "cycle")
    assert run.about["guides"] == {"training": 3, "validation": 3, "test": 5}


def test_scores_of_rates_are_within_the_limits_of_detection(run, table):
    predicted = run.predictions("loop")
    assert predicted["expected"].min() >= LIMIT
    own = run.summary.query("model == 'loop' and set == 'test'").set_index("metric")
    assert own.at["pearson", "value"] == pytest.approx(
        np.corrcoef(predicted["expected"], predicted["measured"])[0, 1], abs=1e-9
    )
    assert own.at["pearson", "value"] > 0.9
    assert own.at["spearman", "low"] < own.at["spearman", "value"] < own.at["spearman", "high"]
    counts = run.table("split_counts").set_index("set")
    limited = table[table["log10_k"] == LIMIT]
    assert counts["below the limit"].sum() == len(limited)
    assert (counts["above the limit"] == 0).all()


def test_mean_is_a_rate_that_was_fitted(run, table):
    expected = run.predictions("mean")["expected"]
    assert expected.nunique() == 1
    assert table["log10_k"].quantile(0.2) < expected[0] < table["log10_k"].quantile(0.8)


def test_an_explanation_and_a_page_show_what_pairs_have(run):
    text = pajamo.explain(run, model="loop").to_text()
    for heading in ("RATES AT THE MATCHED TARGET", "WHAT DIFFERENCES COST", "WHICH STEP A CHANGE HITS"):
        assert heading in text
    page = (run.path / "report.html").read_text(encoding="utf-8")
    for heading in ("Free-energy landscape", "What each difference costs", "Which step a mismatch hits"):
        assert heading in page
    assert "What each site reads" not in page
    assert "over resampled guides (5 of them)" in page


def test_costs_count_the_training_pairs_that_show_a_change(run, table):
    costs = run.table("costs").query("model == 'loop'").set_index(["position", "change"])
    counts = run.table("split_counts").set_index("set")["rows"]
    known = set(run.predictions("loop")["sequence"])
    assert len(known) <= counts["test"]
    # The last letters of a guide before its PAM are the first that pair.
    training = table[~table["guide"].isin(list(dict.fromkeys(table["guide"]))[:5])]
    swapped = [
        (g[STEPS - 1], t[STEPS - 1]) for g, t in zip(training["guide"], training["target"], strict=True)
    ]
    for own, met in {pair for pair in swapped if pair[0] != pair[1]}:
        most = swapped.count((own, met))
        assert 0 <= costs.at[(3, f"{own}>{met}"), "pairs"] <= most
    assert (costs["observed"] == (costs["pairs"] > 0)).all()
    assert (costs["low"] <= costs["value"]).all()


def test_scoring_says_how_sure_it_is_and_which_step_is_hit(run, table):
    made = pajamo.score(run, table.head(40), model="loop")
    again = predict_pair_table(run.assay_model("loop"), table.head(40))
    pd.testing.assert_series_equal(made["expected"], again["expected"])
    assert ((made["low"] < made["expected"]) & (made["expected"] < made["high"])).all()
    matched = table.head(40)["guide"].to_numpy() == table.head(40)["target"].to_numpy()
    assert (made["differences"].to_numpy() == 0).tolist() == matched.tolist()
    assert (made.loc[matched, "effect"].abs() < 1e-9).all()
    assert (made.loc[~matched, "step"] != "").all()


def test_guides_that_no_fit_saw_have_wider_intervals_and_the_report_says_why(run, table):
    found = run.table("new_guides").set_index("model")
    assert set(found.index) == {"loop", "cycle"}
    assert (found["held_out"] == "guides").all()
    made = pajamo.score(run, table.head(40), model="loop", steps=False)
    known = table["guide"].head(40).isin(list(dict.fromkeys(table["guide"]))[5:])
    assert made["guide_fitted"].tolist() == known.tolist()
    widths = (made["high"] - made["low"]).groupby(made["guide_fitted"]).min()
    added = 2 * 1.645 * found.loc["loop", "sd"] / np.log(10)
    assert widths[False] >= added - 1e-3
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert "How sure predictions of new guides are" in page
    assert "For a guide unlike those fitted" in page


def test_a_model_alone_has_no_interval(run, table):
    made = score_pair_table(run.path / "models" / "loop.safetensors", table.head(5), steps=False)
    assert made[["low", "high"]].isna().all(axis=None)
    assert "step" not in made


def test_changed_data_leave_scores_without_interval(run, table, folder):
    table.head(300).to_csv(folder / "pairs.csv", index=False)
    try:
        with pytest.warns(pajamo.PajamoWarning, match="no intervals"):
            made = score_pair_table(run, table.head(5), model="loop", steps=False)
    finally:
        table.to_csv(folder / "pairs.csv", index=False)
    assert made["low"].isna().all()


def test_a_run_on_cuts_ranks_sites(folder, table):
    guides = list(dict.fromkeys(table["guide"]))
    study = rate_study(folder / "pairs.csv", name="cuts", test_guides=guides[:3], models={"starts": 1})
    study["experiments"]["wt"]["measurement"] = {"kind": "cut"}
    run = pajamo.run(study, runs=folder / "runs")
    own = run.summary.query("model == 'loop' and set == 'test'").set_index("metric")["value"]
    assert own["auroc"] > 0.9
    assert own["auprc"] > 0.8
    predicted = run.predictions("loop")
    assert set(predicted["measured"]) == {0.0, 1.0}
    assert predicted["expected"].between(0, 1).all()
    assert run.table("split_counts")["cut"].sum() == table["label"].sum()
    assert "over pairs (too few guides" in run.verdict["sentence"]
