"""The main job through the public language: a study and a screen become a run that can be read and verified."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pytest

import pajamo
from pajamo.api import DEMO_STUDIES
from pajamo.config import parse_study, read_study
from pajamo.data.public.datasets import resolve
from pajamo.data.splits import Split, check_leaks
from pajamo.errors import ModelError, StudyError
from pajamo.models.registry import models
from pajamo.pipeline.identity import run_id
from pajamo.pipeline.ladder import ladder_names
from pajamo.pipeline.run_record import Run

FILES = {
    "about.json", "calibration.csv", "checks.csv", "examples.csv", "interactions.csv", "manifest.json",
    "metrics.jsonl", "model.json", "model.safetensors", "predictions", "report.html", "scores.csv",
    "six.csv", "split.json", "split_counts.csv", "strata.csv", "study.toml", "summary.csv", "timings.csv",
    "verdict.json", "weights",
}  # fmt: skip
TIMED = ("timings.csv", "metrics.jsonl", "about.json", "manifest.json", "report.html", "study.toml")
"""Files that hold seconds, dates or paths."""


class Page(HTMLParser):
    """Collects what a page refers to, and its words."""

    def __init__(self) -> None:
        super().__init__()
        self.refers: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.refers += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]
        self.refers += [tag] * (tag in ("iframe", "link"))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def results(run: Path) -> dict[str, bytes]:
    """Bytes of every file that holds results and nothing of the moment."""
    files = [f for f in run.rglob("*") if f.is_file() and f.name not in TIMED and f.suffix != ".h5ad"]
    return {str(f.relative_to(run)): f.read_bytes() for f in files}


def test_folder_holds_what_it_promises_and_verifies(finished: Any, command: Callable[..., Any]) -> None:
    folder = finished.run.path
    assert {f.name for f in folder.iterdir()} == FILES
    assert not list(folder.parent.glob("*.unfinished"))
    assert not [f for f in folder.rglob("*") if f.suffix in (".pkl", ".pickle", ".pt")]
    outcome = command("verify", folder)
    assert (outcome.code, outcome.err) == (0, "")
    assert f"{pajamo.verify(folder)} files are as they were written" in outcome.out
    assert finished.run.verify() == pajamo.verify(folder)


def test_command_ends_with_the_verdict_and_says_how_far_it_is(finished: Any) -> None:
    sentence = finished.run.verdict["sentence"]
    assert sentence in finished.out
    assert sentence.startswith("On new combinations, 25% held out (")
    assert "95% interval" in sentence
    assert f"report: runs/{finished.run.path.name}/report.html" in finished.out
    assert "tiny (simulated): 420 cells, 40 genes, 18 perturbed conditions" in finished.progress
    assert "repeat-2" in finished.progress
    assert "Traceback" not in finished.progress + finished.out


def test_report_is_one_page_that_needs_nothing_else(finished: Any) -> None:
    page = Page()
    text = (finished.run.path / "report.html").read_text(encoding="utf-8")
    page.feed(text)
    assert text.lower().startswith("<!doctype html>")
    assert [r for r in page.refers if not r.startswith(("#", "data:"))] == []
    assert "@import" not in text
    assert "url(http" not in text
    words = " ".join(" ".join(page.words).split())
    assert finished.run.verdict["sentence"] in words
    assert "simulated" in words.lower()


def test_second_run_is_returned_at_once(
    finished: Any, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pajamo.pipeline.run.load", None)  # a screen that is read again would be noticed
    outcome = command("run", finished.study, "--runs", finished.run.path.parent)
    assert outcome.code == 0
    assert f"this run is complete; {finished.run.verify()} files verified" in outcome.err
    assert finished.run.verdict["sentence"] in outcome.out


def test_same_study_elsewhere_gives_the_same_bits(
    finished: Any, tiny_screen: Path, tmp_path: Path, without_report: None
) -> None:
    study = read_study(finished.study).model_dump(mode="json")
    again = pajamo.run(study | {"data": {"path": str(tiny_screen)}}, runs=tmp_path)
    assert again.path.name == finished.run.path.name
    expected, found = results(finished.run.path), results(again.path)
    assert [name for name in expected if expected[name] != found.get(name)] == []
    assert expected.keys() == found.keys()
    for model in ("salt-ls", "mixed-effects"):
        ours, theirs = again.predictions(model), finished.run.predictions(model)
        assert ours.obs.equals(theirs.obs)
        assert all(np.array_equal(ours.layers[k], theirs.layers[k]) for k in theirs.layers)
        assert np.array_equal(ours.X, theirs.X)
    same = ("data sha256", "split sha256", "seed", "numpy")
    assert [again.manifest[k] for k in same] == [finished.run.manifest[k] for k in same]


def test_resolved_study_is_the_same_run(finished: Any) -> None:
    study = read_study(finished.run.path / "study.toml")
    assert run_id(study, study.data) == finished.run.path.name


@pytest.mark.parametrize(
    "change",
    [{"seed": 1}, {"split": {"kind": "doubles", "folds": 3}}, {"models": {}}, {"name": "other"}],
)
def test_other_studies_are_other_runs(tiny_study: dict[str, Any], change: dict[str, Any]) -> None:
    studies = [parse_study(tiny_study), parse_study(tiny_study | change)]
    first, second = (run_id(study, study.data) for study in studies)
    assert first != second


def test_other_data_is_another_run(tiny_study: dict[str, Any], tiny_screen: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved.h5ad"
    shutil.copy(tiny_screen, moved)
    here = parse_study(tiny_study)
    there = parse_study(tiny_study | {"data": {"path": str(moved)}})
    assert run_id(here, here.data) == run_id(there, there.data)
    moved.write_bytes(moved.read_bytes() + b" ")
    assert run_id(here, here.data) != run_id(there, there.data)


def test_notebook_in_three_lines(finished: Any) -> None:
    run = pajamo.run(finished.study, runs=finished.run.path.parent)
    assert run.verdict["model"] == "mixed-effects"
    assert set(run.summary["model"]) >= {"mixed-effects", "salt-ls", "no-change", "technical-duplicate"}
    assert set(run.scores) == {"split", "fold", "model", "condition", "genes", "metric", "value", "flag"}


def test_predictions_come_back_labelled(finished: Any) -> None:
    made = finished.run.predictions("salt-ls")
    split = Split.load(finished.run.path / "split.json")
    check_leaks(split)
    assert list(made.obs["fold"].unique()) == [fold.name for fold in split.folds]
    assert sorted(made.obs["perturbation"]) == sorted(str(c) for fold in split.folds for c in fold.test)
    assert list(made.var_names) == [f"SIM{n:05d}" for n in range(1, 41)]
    assert made.uns["pajamo"]["X"] == "level"
    assert made.uns["pajamo"]["unit"]
    assert np.allclose(made.X, made.layers["control"] + made.layers["delta"])
    assert (made.layers["sd"] >= 0).all()


def test_asking_for_another_model_names_those_there_are(finished: Any) -> None:
    with pytest.raises(ModelError, match="did you mean 'salt-ls'"):
        finished.run.predictions("salt-lls")


def test_best_model_is_kept_fitted_on_everything(finished: Any) -> None:
    model = finished.run.model()
    assert model.card.name == finished.run.verdict["model"]
    assert len(model.reference.seen) == 18
    made = pajamo.predict(model, ["SIM00001+SIM00006", "control"])
    assert made.obs["perturbation"].tolist() == ["SIM00001+SIM00006", "control"]
    assert np.allclose(made.layers["delta"][1], 0)


def test_a_notebook_shows_the_verdict(finished: Any) -> None:
    shown = finished.run._repr_html_()
    assert "<table" in shown
    assert "held out" in shown
    assert "mixed-effects" in shown


def test_report_renders_again_from_the_tables(
    finished: Any, tmp_path: Path, command: Callable[..., Any]
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(finished.run.path, folder)
    outcome = command("report", folder)
    assert outcome.code == 0
    assert outcome.out.strip() == f"wrote {folder / 'report.html'}"
    assert (folder / "report.html").read_bytes() == (finished.run.path / "report.html").read_bytes()
    assert pajamo.verify(folder) == finished.run.verify()


def test_every_split_of_its_kind_runs(
    tiny_study: dict[str, Any], tmp_path: Path, without_report: None
) -> None:
    study = tiny_study | {"split": {"kind": "unseen-perturbation", "folds": 2}}
    run = pajamo.run(study, runs=tmp_path)
    assert isinstance(run, Run)
    assert "genes that were never perturbed" in run.verdict["sentence"]


def test_a_screen_in_memory_can_be_checked(tiny_screen: Path) -> None:
    screen = anndata.read_h5ad(tiny_screen)
    assert pajamo.check(screen, batch="batch").passed
    screen.obs["perturbation"] = "control"
    report = pajamo.check(screen)
    assert not report.passed
    with pytest.raises(StudyError, match="did you mean 'perturbation'"):
        pajamo.check(screen, pertubation="gene")


def test_studies_of_the_demo_name_models_and_data_that_ship() -> None:
    for name in DEMO_STUDIES:
        text = resources.files("pajamo.pipeline").joinpath("demo", name).read_text(encoding="utf-8")
        study = parse_study(tomllib.loads(text))
        assert {kind.card.name for kind in models().values() if kind.card.baseline} <= set(
            ladder_names(study)
        )
        assert resolve(study.data).path.is_file()


def test_order_of_metrics_does_not_depend_on_what_was_imported_first() -> None:
    script = (
        "import sys, importlib\n"
        "[importlib.import_module(f'pajamo.evaluation.{name}') for name in sys.argv[1:]]\n"
        "from pajamo.evaluation.metric import metrics\nprint(*metrics())"
    )
    orders = {
        subprocess.run(
            [sys.executable, "-c", script, *first], capture_output=True, text=True, check=True
        ).stdout
        for first in ([], ["distributions", "discrimination"])
    }
    assert len(orders) == 1
