"""A search as a run: complete, verified, resumed after a kill, and its find is a study of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.search.planted import study

import pajamo
from pajamo.config import read_study
from pajamo.config.assays import AssayStudy
from pajamo.data.run_folder import verify_run
from pajamo.errors import IntegrityError, StudyError
from pajamo.models.assays.compile import compile_mechanism
from pajamo.pipeline.assays.loading import load_assay
from pajamo.pipeline.assays.resolving import to_be_written
from pajamo.pipeline.search.run import search_id, search_study
from pajamo.pipeline.search.search_record import SearchRun
from pajamo.pipeline.search.tables import course, positions
from pajamo.pipeline.toml_text import to_toml
from pajamo.search.record import Evaluation
from pajamo.search.space import Candidate

SEARCH = {"cycles": [3], "evaluations": 6, "generation": 2, "steps": 3, "members": 2}
MODELS = {"starts": 1, "steps": 12}
COMMAND = """
import pajamo.cli
import pajamo.pipeline.search.run
pajamo.pipeline.search.run.render_search = lambda folder: folder.name
pajamo.cli.main()
"""
PATIENCE = 60.0


def small_study(folder: Path, **search: Any) -> AssayStudy:
    return study(folder, SEARCH | search, rows=30, models=MODELS)


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory) -> SearchRun:
    folder = tmp_path_factory.mktemp("searched")
    return pajamo.search_mechanisms(small_study(folder), runs=folder / "runs")


def test_a_search_leaves_everything_that_it_says(done: SearchRun) -> None:
    assert done.verify() > 10
    assert len(done.evaluations) == 6
    assert done.verdict["sentence"].startswith("Of 6 hypotheses the best is cycle-3.")
    assert done.verdict["difference"] == pytest.approx(done.verdict["value"] - done.verdict["baseline_value"])
    assert done.verdict["low"] <= done.verdict["difference"] <= done.verdict["high"]
    assert {"schemes", "windows", "options", "members", "course"} <= {p.stem for p in done.path.glob("*.csv")}
    assert not list(done.path.rglob("*.pkl"))


def test_the_ensemble_stands_beside_the_baselines_on_the_test_set(done: SearchRun) -> None:
    table = done.summary.set_index("model")
    assert {"ensemble", "additive", "mean", "member-1", "member-2"} <= set(table.index)
    assert set(table["set"]) == {"test"}
    assert (table["rows"] == 30).all()
    ensemble = done.ensemble()
    read = read_study(done.path / "study.toml")
    assert isinstance(read, AssayStudy)
    rows = load_assay(read).assay.part("test").experiments[0]
    mean, spread = ensemble.predict(rows)
    assert np.allclose(mean, ensemble.readings(rows).mean(axis=0))
    assert (spread >= 0).all()
    assert mean.min() >= -2.8
    exact = float(np.corrcoef(mean, rows.recorded["value"])[0, 1])
    assert table.loc["ensemble", "pearson"] == pytest.approx(exact, abs=1e-6)
    assert done.verdict["value"] == pytest.approx(exact, abs=1e-6)


def test_what_was_found_is_a_study_of_its_own(done: SearchRun) -> None:
    found = read_study(done.path / "best.toml")
    assert isinstance(found, AssayStudy)
    assert found.search is None
    assert found.mechanisms["best"] == done.best
    loaded = load_assay(found)
    assert compile_mechanism(done.best, loaded.assay, (), where="best").outputs == ("cleavage",)
    fitted = pajamo.fit(found, model="best")
    assert fitted.mechanism == done.best


def test_a_complete_search_is_found_again_wherever_it_would_be_trained(done: SearchRun) -> None:
    read = read_study(done.path / "study.toml")
    assert isinstance(read, AssayStudy)
    assert read.search is not None
    for executor in ("here", "processes"):
        other = read.model_copy(update={"search": read.search.model_copy(update={"executor": executor})})
        assert search_id(other) == done.path.name
    told: list[str] = []
    assert search_study(read, done.path.parent, told.append) == done.path
    assert told == [f"this run is complete; {verify_run(done.path)} files verified"]
    more = read.model_copy(update={"search": read.search.model_copy(update={"evaluations": 7})})
    assert search_id(more) != done.path.name


def results(path: Path) -> dict[str, bytes]:
    """What does not hold the time of day, or how long it took."""
    kept = [*path.glob("*.csv"), *path.glob("*.jsonl"), *path.glob("models/*"), path / "best.toml"]
    return {file.name: file.read_bytes() for file in kept}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_search_that_is_killed_ends_with_the_same_bits(done: SearchRun, tmp_path: Path) -> None:
    asked = read_study(done.path / "study.toml")
    assert isinstance(asked, AssayStudy)
    file = tmp_path / "study.toml"
    file.write_text(to_toml(to_be_written(asked, asked)) + "\n", encoding="utf-8")
    command = [sys.executable, "-c", COMMAND, "search", str(file), "--runs", str(tmp_path / "runs")]
    with (tmp_path / "log").open("wb") as told:
        process = subprocess.Popen(command, stdout=told, stderr=told)
    with process:
        until = time.monotonic() + PATIENCE
        while not list(tmp_path.glob("runs/*/evaluations.jsonl")) and time.monotonic() < until:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL, (tmp_path / "log").read_text(encoding="utf-8")
    (left,) = tmp_path.glob("runs/*.unfinished")
    assert not list(left.glob("models/member-2*"))
    path = search_study(asked, tmp_path / "runs")
    assert results(path) == results(done.path)


def test_a_fit_that_stands_is_not_made_again(done: SearchRun, tmp_path: Path) -> None:
    """Stopped between members: what is there is read, the rest is fitted to the same bits."""
    asked = read_study(done.path / "study.toml")
    assert isinstance(asked, AssayStudy)
    work = tmp_path / f"{done.path.name}.unfinished"
    (work / "models").mkdir(parents=True)
    for name in ("evaluations.jsonl", "models/member-1.safetensors"):
        (work / name).write_bytes((done.path / name).read_bytes())
    told: list[str] = []
    path = search_study(asked, tmp_path, told.append)
    assert results(path) == results(done.path)
    assert "fitting member-1" not in told
    assert "fitting member-2" in told


def test_reports_are_rendered_again_and_alterations_found(done: SearchRun, tmp_path: Path) -> None:
    page = (done.path / "report.html").read_text(encoding="utf-8")
    assert pajamo.report(done.path).read_text(encoding="utf-8") == page
    assert pajamo.verify(done.path) == done.verify()
    copied = tmp_path / done.path.name
    for file in done.path.rglob("*"):
        if file.is_file():
            target = copied / file.relative_to(done.path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    (copied / "evaluations.jsonl").write_bytes(b"")
    with pytest.raises(IntegrityError, match=r"evaluations\.jsonl|not as it was written"):
        pajamo.report(copied)


def test_studies_without_a_search_are_refused(tmp_path: Path, tiny_study: dict[str, Any]) -> None:
    asked = small_study(tmp_path).model_copy(update={"search": None})
    with pytest.raises(StudyError, match="nothing of a search"):
        pajamo.search_mechanisms(asked, runs=tmp_path)
    with pytest.raises(StudyError, match="not of a screen"):
        pajamo.search_mechanisms(tiny_study, runs=tmp_path)
    assert not list(tmp_path.glob("*search*"))


def test_search_from_the_command_line(command: Any, done: SearchRun) -> None:
    """The search of the session is found complete in its place."""
    told = command("search", done.path / "study.toml", "--runs", done.path.parent)
    assert told.code == 0, told.err
    assert done.verdict["sentence"] in told.out.replace("\n", " ") or done.verdict["sentence"] in told.out
    assert command("verify", done.path).code == 0


def test_positions_are_counted_from_the_pam() -> None:
    found = pd.DataFrame({"mechanism": "m", "transition": "t", "position": [0, 2, 3, 4], "probability": 1.0})
    assert positions(found, 3)["from_pam"].tolist() == [-2, 0, 1, 2]


def test_the_course_never_falls_and_leaves_out_what_was_trained_less() -> None:
    rewards = [(1.0, 2), (5.0, 2), (2.0, 4), (-np.inf, 4), (3.0, 4)]
    given = [Evaluation(n, Candidate("a", (n,)), reward, steps) for n, (reward, steps) in enumerate(rewards)]
    table = course(given, 2)
    assert table["evaluations"].tolist() == [2, 4, 5]
    assert table["mean"].tolist() == [3.0, 2.0, 3.0]
    assert np.isnan(table["best_so_far"][0])
    assert table["best_so_far"].tolist()[1:] == [2.0, 3.0]


def test_facts_are_json(done: SearchRun) -> None:
    about = json.loads((done.path / "about.json").read_text(encoding="utf-8"))
    assert about["kind"] == "search"
    assert about["provenance"]["seed"] == "0"
