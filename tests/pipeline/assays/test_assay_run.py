"""The main job on an assay: a study and a table become a run that can be read, verified and gone on with."""

from __future__ import annotations

import json
import shutil
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import pajamo
from pajamo.api import DEMOS
from pajamo.config import parse_any_study, read_study
from pajamo.config.assays import AssayStudy, parse_assay_study
from pajamo.data.public.datasets import resolve_experiment
from pajamo.errors import DataError, IntegrityError, ModelError, StudyError
from pajamo.models.assays.predicting import predict_sequences
from pajamo.pipeline.assays.planning import planned
from pajamo.pipeline.assays.resolving import assay_run_id, resolved_study
from pajamo.pipeline.assays.run_record import AssayRun

FILES = {
    "about.json", "comparison.csv", "energies.csv", "fits.csv", "footprints.csv", "intrinsic.csv", "manifest.json",
    "metrics.jsonl", "models", "parameters.csv", "predictions", "report.html", "shifts.csv", "sloppy_directions.csv",
    "split_counts.csv", "states.csv", "study.toml", "summary.csv", "verdict.json",
}  # fmt: skip
TIMED = ("fits.csv", "metrics.jsonl", "about.json", "manifest.json", "report.html", "study.toml")
"""Files that hold seconds, dates or paths."""


def results(run: Path) -> dict[str, bytes]:
    """Bytes of every file that holds results and nothing of the moment."""
    files = [f for f in run.rglob("*") if f.is_file() and f.name not in TIMED]
    return {str(f.relative_to(run)): f.read_bytes() for f in files}


def test_folder_holds_what_it_promises_and_verifies(finished_assay: Any) -> None:
    folder = finished_assay.run.path
    assert {f.name for f in folder.iterdir()} == FILES
    assert not list(folder.parent.glob("*.unfinished"))
    models = {f.stem for f in (folder / "models").iterdir()}
    assert models == {"mean", "additive", "two-sites"}
    assert {f.name.removesuffix(".csv.gz") for f in (folder / "predictions").iterdir()} == models
    assert finished_assay.run.verify() == pajamo.verify(folder) > 15
    assert finished_assay.run.manifest["kind"] == "assay"
    assert len(finished_assay.run.manifest["sorted sha256"]) == 64


def test_command_ends_with_the_verdict_and_says_how_far_it_is(finished_assay: Any) -> None:
    sentence = finished_assay.run.verdict["sentence"]
    assert sentence in finished_assay.out
    assert sentence.startswith("On the test set of experiment sorted (")
    assert "95% interval" in sentence
    assert f"report: runs/{finished_assay.run.path.name}/report.html" in finished_assay.out
    assert "sorted: 400 rows of 10 letters" in finished_assay.progress
    assert "3/3 two-sites: converged" in finished_assay.progress
    assert "Traceback" not in finished_assay.progress + finished_assay.out


def test_models_learn_what_was_planted(finished_assay: Any) -> None:
    table = finished_assay.run.summary
    own = table[(table["set"] == "test") & (table["metric"] == "I_var")].set_index("model")
    assert own.loc["mean", "low"] < 0.1
    assert own.loc["additive", "low"] > 0.2
    assert own.loc["two-sites", "low"] > 0.2
    assert set(table["best_baseline"]) == {"additive"}
    assert own.loc["mean", "difference_high"] < 0


def test_summary_is_what_the_predictions_say(finished_assay: Any) -> None:
    made = finished_assay.run.predictions("two-sites")
    table = finished_assay.run.summary
    own = table[(table["model"] == "two-sites") & (table["metric"] == "log_likelihood")].set_index("set")
    assert set(made["set"]) == {"test"}
    mean = made["log_likelihood"].sum() / made["observations"].sum()
    assert own.loc["test", "value"] == pytest.approx(mean)
    assert own.loc["test", "rows"] == len(made)


def test_bounds_on_what_any_model_could_tell_are_part_of_a_run(finished_assay: Any) -> None:
    table = finished_assay.run.table("intrinsic").set_index("bound")
    assert table["set"].tolist() == ["test", "test"]
    assert table.loc["lower", "low"] < table.loc["lower", "value"] < table.loc["lower", "high"]
    assert "sorter" in table.loc["upper", "note"]
    assert "HOW MUCH THERE IS TO TELL" in pajamo.explain(finished_assay.run).to_text()


def test_saved_model_is_the_one_that_predicted(finished_assay: Any) -> None:
    made = finished_assay.run.predictions("two-sites")
    again = predict_sequences(finished_assay.run.assay_model("two-sites"), made["sequence"].tolist())
    for column in ("activity", "coordinate"):
        assert np.allclose(again[column], made[column], rtol=1e-12, atol=1e-12)
    # A state of the mechanism transcribes or does not: its activity is a probability.
    assert made["activity"].between(0, 1).all()
    assert np.allclose(again["expected"], made["expected"], rtol=1e-12, atol=1e-12)


def test_parameters_are_those_of_the_saved_model(finished_assay: Any) -> None:
    model = finished_assay.run.assay_model("two-sites")
    row = finished_assay.run.parameters.set_index("of").loc["A+B"]
    assert row["value"] == pytest.approx(
        float(model.assembly.constants[0].detach()) * model.assembly.blueprint.kT
    )
    assert row["unit"] == "kcal/mol"
    states = finished_assay.run.table("states")
    assert states["occupancy"].sum() == pytest.approx(1)


def test_second_run_is_returned_at_once(finished_assay: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pajamo.pipeline.assays.run.load_assay", None)  # a table read again would be noticed
    told: list[str] = []
    run = pajamo.run(finished_assay.study, runs=finished_assay.run.path.parent, progress=told.append)
    assert run.path == finished_assay.run.path
    assert told == [f"this run is complete; {run.verify()} files verified"]


def test_interrupted_run_goes_on_to_the_same_bits(
    finished_assay: Any,
    promoter_study: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    quick_assay: None,
) -> None:
    from pajamo.pipeline.assays import fitting

    fit, fitted = fitting.fit_assay, []

    def interrupted(model: Any, *rest: Any, **options: Any) -> Any:
        if model.name == "two-sites" and len(fitted) == 2:
            raise KeyboardInterrupt
        fitted.append(model.name)
        return fit(model, *rest, **options)

    monkeypatch.setattr(fitting, "fit_assay", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pajamo.run(promoter_study, runs=tmp_path / "runs")
    assert list((tmp_path / "runs").glob("*.unfinished"))
    # A model that was half written or altered is fitted again; a whole one is not.
    (work,) = (tmp_path / "runs").glob("*.unfinished")
    (work / "models" / "mean.safetensors").write_bytes(b"damaged")
    fitted += ["-"]
    run = pajamo.run(promoter_study, runs=tmp_path / "runs")
    assert fitted == ["mean", "additive", "-", "mean", "two-sites"]
    assert run.path.name == finished_assay.run.path.name
    assert results(run.path) == results(finished_assay.run.path)


def test_resolved_study_is_the_same_run(finished_assay: Any) -> None:
    study = read_study(finished_assay.run.path / "study.toml")
    assert isinstance(study, AssayStudy)
    assert assay_run_id(resolved_study(study)) == finished_assay.run.path.name


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"name": "other"}, {"models": {"starts": 3}}, {"holdout": [0.1, 0.2]}]
)
def test_other_studies_and_other_tables_are_other_runs(promoter_study: Path, change: dict[str, Any]) -> None:
    study = read_study(promoter_study)
    assert isinstance(study, AssayStudy)
    first = assay_run_id(study)
    assert assay_run_id(parse_assay_study(study.model_dump(mode="json") | change)) != first
    table = study.experiments["sorted"].path
    assert table is not None
    table.write_bytes(table.read_bytes() + b"\n")
    assert assay_run_id(study) != first


def test_report_renders_again_from_the_tables(finished_assay: Any, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished_assay.run.path, folder)
    assert pajamo.report(folder) == folder / "report.html"
    assert (folder / "report.html").read_bytes() == (finished_assay.run.path / "report.html").read_bytes()
    assert pajamo.verify(folder) == finished_assay.run.verify()
    (folder / "summary.csv").write_text("altered", encoding="utf-8")
    with pytest.raises(IntegrityError, match=r"not as it was written"):
        pajamo.report(folder)


def test_explaining_a_run_and_a_model(finished_assay: Any, tmp_path: Path) -> None:
    made = pajamo.explain(finished_assay.run.path, model="two-sites", output=tmp_path / "explained")
    text = made.to_text()
    assert "w[A+B] = exp(-(dG[A] + dG[B] + dG[A+B])/kT)" in text
    assert "interaction energy" in text
    assert finished_assay.run.verdict["sentence"][:40] in text
    assert {f.name for f in (tmp_path / "explained").iterdir()} >= {
        "parameters.csv",
        "states.csv",
        "energies.csv",
    }
    alone = pajamo.explain(finished_assay.run.path / "models" / "two-sites.safetensors")
    assert "without intervals" in alone.to_text()
    assert pajamo.explain(finished_assay.run).model == finished_assay.run.verdict["model"]
    assert (
        "One number that the sequence sets" in pajamo.explain(finished_assay.run, model="additive").to_text()
    )


def test_asking_for_another_model_names_those_there_are(finished_assay: Any) -> None:
    with pytest.raises(ModelError, match="did you mean 'additive'"):
        finished_assay.run.predictions("additiv")
    with pytest.raises(ModelError, match="it has: mean, additive, two-sites"):
        finished_assay.run.assay_model("network")


def test_notebook_in_a_few_lines(finished_assay: Any) -> None:
    run = pajamo.run(finished_assay.study, runs=finished_assay.run.path.parent)
    assert isinstance(run, AssayRun)
    assert run.models == ("mean", "additive", "two-sites")
    assert "<table" in run._repr_html_()
    lines = [
        json.loads(line) for line in (run.path / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert [line["model"] for line in lines] == list(run.models)


def test_maps_are_fitted_to_each_experiment_and_mechanisms_to_all(promoter_study: Path) -> None:
    raw = tomllib.loads(promoter_study.read_text(encoding="utf-8"))
    raw["experiments"]["again"] = raw["experiments"]["sorted"]
    plan = {model.name: model for model in planned(parse_assay_study(raw))}
    assert [fit.key for fit in plan["additive"].fits] == ["additive@sorted", "additive@again"]
    assert [fit.key for fit in plan["two-sites"].fits] == ["two-sites"]
    assert set(plan["two-sites"].fits[0].experiments) == {"sorted", "again"}


def test_several_experiments_share_a_mechanism(
    planted: pd.DataFrame, promoter_study: Path, tmp_path: Path, quick_assay: None
) -> None:
    raw = tomllib.loads(promoter_study.read_text(encoding="utf-8"))
    raw["models"]["steps"] = 10
    for name, part in (("first", planted[:120]), ("second", planted[120:240])):
        part.to_csv(tmp_path / f"{name}.csv", index=False)
        raw["experiments"][name] = raw["experiments"]["sorted"] | {"path": str(tmp_path / f"{name}.csv")}
    del raw["experiments"]["sorted"]
    run = pajamo.run(raw, runs=tmp_path / "runs")
    assert isinstance(run, AssayRun)
    assert set(run.summary["experiment"]) == {"first", "second", "all"}
    assert "2 experiments" in run.verdict["sentence"]
    assert run.assay_model("additive", "second").name == "additive@second"
    with pytest.raises(ModelError, match="fitted to each experiment on its own"):
        run.assay_model("additive")
    with pytest.raises(ModelError, match="fitted to each experiment on its own"):
        pajamo.fit(raw, model="additive")


def test_a_mechanism_that_contradicts_itself_is_refused_before_any_fit(
    promoter_study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pajamo.pipeline.assays.fitting.fit_assay", None)  # a fit would be noticed
    text = promoter_study.read_text(encoding="utf-8").replace(
        "start = 5, length = 4", "start = 8, length = 4"
    )
    promoter_study.write_text(text, encoding="utf-8")
    with pytest.raises(StudyError, match="B"):
        pajamo.run(promoter_study, runs=tmp_path / "runs")
    assert not list((tmp_path / "runs").glob("*.unfinished"))


@pytest.mark.parametrize("name", ["additive", "two sites", ".hidden", "a/b"])
def test_names_of_mechanisms_are_names_of_files_and_of_nothing_else(promoter_study: Path, name: str) -> None:
    raw = tomllib.loads(promoter_study.read_text(encoding="utf-8"))
    raw["mechanisms"] = {name: raw["mechanisms"]["two-sites"]}
    with pytest.raises(StudyError, match="is called"):
        planned(parse_assay_study(raw))


def test_missing_table_is_an_error_and_leaves_nothing(promoter_study: Path, tmp_path: Path) -> None:
    (promoter_study.parent / "tables" / "sorted.csv").unlink()
    with pytest.raises((DataError, StudyError)):
        pajamo.run(promoter_study, runs=tmp_path / "runs")
    assert not (tmp_path / "runs").exists() or not list((tmp_path / "runs").iterdir())


def test_studies_of_the_demo_name_data_that_ships() -> None:
    for name in DEMOS["cisreg"]:
        text = resources.files("pajamo.pipeline").joinpath("demo", name).read_text(encoding="utf-8")
        study = parse_any_study(tomllib.loads(text))
        assert isinstance(study, AssayStudy)
        assert all(resolve_experiment(each).path.is_file() for each in study.experiments.values())
        assert [model.kind for model in planned(study)][-1] == "mechanism"
