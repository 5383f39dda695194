"""A transfer from tables to page: what it leaves, that it goes on, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.pipeline.transfer.transfer_tables import guides, sites, study_of

import pajamo
from pajamo.errors import DataError, IntegrityError, ModelError, SplitError, StudyError
from pajamo.pipeline.transfer.record import FILE, TransferRun
from pajamo.pipeline.transfer.run import transfer_study
from pajamo.training.saved import load_model

Transferred = tuple[dict[str, Any], TransferRun]


def test_the_planted_order_is_learned(transferred: Transferred) -> None:
    """On guides that no network saw, the network knows the order of sites better than their number of mismatches."""
    scores = transferred[1].scores
    own = scores[(scores["set"] == "test") & (scores["experiment"] == "test")]
    figures = own[own["convention"] == "on-targets removed"].set_index("model")["auroc"]
    assert figures["kinetic network"] > figures["mismatch-count"]
    assert figures["kinetic network"] > 0.85


def test_on_targets_labelled_as_not_found_cost_precision(transferred: Transferred) -> None:
    """Three such rows stand on top of every ranking; without them the same scores are better."""
    scores = transferred[1].scores
    own = scores[(scores["experiment"] == "test") & (scores["model"] == "kinetic network")]
    raw, removed = (own[own["convention"] == name] for name in ("as it stands", "on-targets removed"))
    assert int(raw["rows"].iloc[0]) - int(removed["rows"].iloc[0]) == 3
    assert raw["auprc"].iloc[0] < removed["auprc"].iloc[0]


def test_no_guide_is_learned_and_judged(transferred: Transferred) -> None:
    """A guide of a training table that is also in the test table is left out of training, and that is said."""
    counts = transferred[1].table("split_counts").set_index(["experiment", "set"])
    assert counts.loc[("other", "test"), "guides"] == 1
    assert counts.loc[("other", "training"), "guides"] + counts.loc[("other", "validation"), "guides"] == 3
    assert any("are not learned from" in note for note in transferred[1].about["notes"])


def test_every_model_stands_in_the_table(transferred: Transferred) -> None:
    """The mechanism as it was in vitro, each member, and comparisons without kinetics."""
    models = set(transferred[1].scores["model"])
    expected = {"turning, in vitro only", "member 1, turning", "member 2, turning", "kinetic network"}
    assert expected | {"mismatch-count", "CFD", "additive-sigmoid", "gradient-boosting"} == models


def test_differences_are_of_the_scores(transferred: Transferred) -> None:
    """The difference to a model is that of the two rows of the table of scores."""
    run = transferred[1]
    scores = run.scores.set_index(["set", "experiment", "convention", "model"])["auprc"]
    found = run.table("differences")
    found = found[found["metric"] == "auprc"]
    for row in found.itertuples():
        place = (row.set, row.experiment, row.convention)
        expected = scores[(*place, "kinetic network")] - scores[(*place, row.model)]
        assert row.difference == pytest.approx(expected, abs=1e-9)


def test_the_likeliest_sites_are_of_each_guide(transferred: Transferred) -> None:
    """At most ten a guide, none of them its own target, in the order of their probability."""
    top = transferred[1].table("top")
    assert top.groupby(["set", "experiment", "guide"]).size().max() <= 10
    assert not any(
        target.startswith(guide) for guide, target in zip(top["guide"], top["target"], strict=True)
    )
    for _, own in top.groupby(["set", "experiment", "guide"]):
        assert own["probability"].is_monotonic_decreasing
    assert top["step"].str.contains("free->bound").any()


def test_a_complete_run_is_verified_and_returned(transferred: Transferred) -> None:
    """Called again, nothing is trained anew."""
    study, run = transferred
    told: list[str] = []
    again = pajamo.transfer(study, runs=run.path.parent, progress=told.append)
    assert again.path == run.path
    assert len(told) == 1
    assert run.verify() > 5
    assert pajamo.report(run.path).read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_stopped_run_goes_on_to_the_same_bits(
    transferred: Transferred, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after the first member: the second call trains the other one, and predicts what one call did."""
    study, run = transferred
    asked = pajamo.api.studies.any_study(study)
    told: list[str] = []

    def stop(text: str) -> None:
        told.append(text)
        if text.startswith("member 2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        transfer_study(asked, tmp_path, stop)
    again: list[str] = []
    path = transfer_study(asked, tmp_path, again.append)
    assert sum(text.startswith("epoch") for text in again) == 6
    assert path.name == run.path.name
    for name in ("models/transfer.safetensors", "scores.csv", "top.csv", "report.html"):
        if name != "report.html":
            assert (path / name).read_bytes() == (run.path / name).read_bytes()


def test_scores_of_pairs_are_those_of_the_model(transferred: Transferred, tmp_path: Path) -> None:
    """By the run, its folder, its file, or the model itself."""
    run = transferred[1]
    table = sites(range(6, 8), 20, np.random.default_rng(1))
    found = [
        pajamo.score(target, table)
        for target in (run, run.path, run.path / "models" / "transfer.safetensors", run.model())
    ]
    for other in found[1:]:
        assert other.equals(found[0])
    assert {"probability", "low", "high", "log10_activity", "step"} < set(found[0].columns)
    assert (
        (found[0]["low"] <= found[0]["probability"]) & (found[0]["probability"] <= found[0]["high"])
    ).all()


def test_guides_against_a_list_of_sites(transferred: Transferred, tmp_path: Path) -> None:
    """All pairs of two lists, as one table of them gives."""
    run = transferred[1]
    own = [f"{guide}NGG" for guide in guides()[6:8]]
    listed = sites(range(6, 8), 5, np.random.default_rng(2))["target"].drop_duplicates().tolist()
    (tmp_path / "guides.txt").write_text("\n".join(own) + "\n", encoding="utf-8")
    (tmp_path / "sites.txt").write_text("\n".join([*listed, "", listed[0]]), encoding="utf-8")
    found = pajamo.score(run, guides=tmp_path / "guides.txt", sites=tmp_path / "sites.txt")
    assert len(found) == 2 * len(listed)
    assert found.equals(pajamo.score(run, guides=own, sites=listed))


def test_a_model_of_the_run_is_scored_by_the_same_verb(transferred: Transferred) -> None:
    """The mechanism as it was in vitro is a model of an assay."""
    table = sites(range(6, 7), 5, np.random.default_rng(3))
    found = pajamo.score(transferred[1].path / "models" / "turning.safetensors", table)
    assert {"activity", "expected", "step"} < set(found.columns)


def test_which_pairs_must_be_said(transferred: Transferred) -> None:
    """Neither a table nor both lists."""
    for given in (
        {},
        {"guides": ["ACGT"]},
        {"pairs": sites(range(1), 2, np.random.default_rng(0)), "sites": ["A"]},
    ):
        with pytest.raises(pajamo.PajamoError, match="which pairs"):
            pajamo.score(transferred[1], **given)  # type: ignore[arg-type]


def test_an_altered_run_is_not_scored(transferred: Transferred, tmp_path: Path) -> None:
    """A byte more in its file."""
    import shutil

    folder = tmp_path / "run"
    shutil.copytree(transferred[1].path, folder)
    with (folder / "models" / "transfer.safetensors").open("ab") as file:
        file.write(b"0")
    with pytest.raises(IntegrityError):
        pajamo.score(folder, sites(range(1), 2, np.random.default_rng(0)))


def test_a_study_without_transfer_is_refused(tmp_path: Path) -> None:
    """And one of which every table is a test table, or whose weights name no table."""
    study = study_of(tmp_path)
    with pytest.raises(StudyError, match="nothing of a transfer"):
        pajamo.transfer({key: own for key, own in study.items() if key != "transfer"}, runs=tmp_path)
    for weights, message in (
        (dict.fromkeys(("one", "other", "test"), 0.0), "nothing is learned"),
        ({"tset": 0.0}, "no experiment 'tset'"),
    ):
        with pytest.raises(StudyError, match=message):
            pajamo.transfer(study | {"transfer": {"weights": weights}}, runs=tmp_path)


def test_a_validation_guide_of_a_test_table_is_refused(tmp_path: Path) -> None:
    """Named with its PAM, as tables write it."""
    study = study_of(tmp_path) | {"validation_guides": [f"{guides()[7]}NGG"]}
    with pytest.raises(SplitError, match="test guides"):
        pajamo.transfer(study, runs=tmp_path)


def test_rates_of_tested_guides_start_nothing(tmp_path: Path) -> None:
    """The guides of the table of rates are named as test guides: a mechanism fitted to them would have seen them."""
    study = study_of(tmp_path) | {"test_guides": guides()[9:11]}
    with pytest.raises(DataError, match="guides whose rates were measured are tested"):
        pajamo.transfer(study, runs=tmp_path)


def test_an_ensemble_is_not_explained_as_one_mechanism(transferred: Transferred) -> None:
    for target in (transferred[1], transferred[1].path):
        with pytest.raises(ModelError, match="holds an ensemble") as caught:
            pajamo.explain(target)
        assert "pajamo score" in str(caught.value)


def test_a_transfers_file_is_no_model_of_perturbations(transferred: Transferred) -> None:
    with pytest.raises(IntegrityError, match="guide-target pairs"):
        load_model(transferred[1].path / FILE)
