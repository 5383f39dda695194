"""Examples run from their first step to their last, on data so small that they take seconds."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pajamo.campaigns.learners.linear import BayesianLinear
from pajamo.data.run_folder import verify_run

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def quick_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the drawing of reports, which takes most of the time and is tested elsewhere."""
    monkeypatch.setattr("pajamo.pipeline.assays.run.render_assay_report", lambda folder: folder.name)
    monkeypatch.setattr("pajamo.pipeline.run.render_report", lambda content: content.verdict.sentence)


def run_example(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> Path:
    """Run a script as its own command would, and return the run that it left."""
    monkeypatch.setattr(sys, "argv", [name, "--keep", str(folder), *options])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    (found,) = (folder / "runs").iterdir()
    assert verify_run(found) > 10
    return found


@pytest.mark.usefixtures("quick_pages")
def test_a_promoter_from_its_assay_to_sequences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run_example("promoter.py", tmp_path, monkeypatch, "--variants", "150")
    printed = capsys.readouterr().out
    for step in ("1. SIMULATED", "2. On the", "3. parameters", "4. the strongest promoters"):
        assert step in printed
    assert len(pd.read_csv(tmp_path / "plate.csv")) == 150
    # So few variants tell that the sites interact (in which of two frames, nothing tells), not how strongly.
    row = pd.read_csv(found / "parameters.csv").set_index("of").loc["A+R"]
    assert row["low"] * row["high"] > 0
    assert "beats the best baseline" in printed


@pytest.mark.usefixtures("quick_pages")
def test_a_screen_of_pairs_from_its_check_to_interactions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run_example("tutorial.py", tmp_path, monkeypatch, "--small")
    printed = capsys.readouterr().out
    for step in (
        "1. SIMULATED",
        "2. check: passed",
        "\n3. ",
        "4. weights of salt-ls",
        "5. ",
        "6. strength of pairs",
    ):
        assert step in printed
    table = pd.read_csv(found / "interactions.csv")
    assert len(table) == 12
    assert table["strength"].median() == pytest.approx(1.0, abs=0.5)


def test_a_campaign_finds_what_it_looks_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["campaign.py", "--keep", str(tmp_path)])
    runpy.run_path(str(EXAMPLES / "campaign.py"), run_name="__main__")
    printed = capsys.readouterr().out
    found = int(printed.partition("4. ")[2].partition(" of the")[0])
    assert found >= 8  # at random one or two of 15
    assert "to the last bit: True" in printed
    assert (tmp_path / "growth.html").is_file()


def test_pyrelational_style_rounds_beat_random_ones_and_learn_from_no_failed_label(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["pyrelational_style.py", "--rounds", "1"])
    parts = runpy.run_path(str(EXAMPLES / "pyrelational_style.py"), run_name="__main__")
    said = capsys.readouterr().out.splitlines()
    at_random, chosen = (list(map(float, line.partition("accuracy ")[2].split())) for line in said)
    assert len(at_random) == len(chosen) == 2
    assert at_random[0] == chosen[0]
    assert chosen[-1] > at_random[-1]
    rng = np.random.default_rng(0)
    dataset = [((x := rng.normal(size=3)), rng.normal(size=2), x.sum()) for _ in range(40)]  # more than pairs
    oracle = parts["BenchmarkOracle"]([*dataset[:30], *((*row[:-1], np.nan) for row in dataset[30:])])
    data = parts["DataManager"](dataset, range(10), 0.5)
    assert data.features.shape == (40, 5)
    assert np.isfinite(data.labels).sum() == 10 + 15
    model = parts["ModelManager"](BayesianLinear())
    run = parts["Pipeline"](data, model, parts["RelativeDistanceStrategy"](), oracle)
    table = run.run(5, 3)
    assert table["labelled"].tolist() == [15, 20, 25, 30]
    assert np.isnan(data.labels).sum() > 0
    assert table["rmse"].iloc[-1] < 1e-3
