"""The commands about what to measure next, as a user types them."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pajamo.config.campaigns.study import parse_campaign_study

STUDY = """
name = "growth"
goal = "model"
outputs = ["growth"]
model = { kind = "bayesian-linear" }
batch = { size = 4 }
[candidates]
kind = "table"
path = "candidates.csv"
[results]
path = "known.csv"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    x = np.random.default_rng(0).uniform(-1, 1, (30, 2))
    names = [f"v{n}" for n in range(30)]
    pd.DataFrame({"candidate": names, "a": x[:, 0], "b": x[:, 1]}).to_csv(
        tmp_path / "candidates.csv", index=False
    )
    truth = pd.DataFrame({"candidate": names, "growth": x[:, 0] - x[:, 1]})
    truth.to_csv(tmp_path / "truth.csv", index=False)
    truth.head(10).to_csv(tmp_path / "known.csv", index=False)
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    return tmp_path


def test_a_campaign_from_its_beginning_to_its_report(folder: Path, command: Callable[..., Any]) -> None:
    file, batch = str(folder / "c.sqlite"), folder / "batch.csv"
    assert run(command, "campaign", "new", str(folder / "study.toml"), file).startswith("wrote")
    said = run(command, "campaign", "propose", file, "-o", str(batch))
    assert "round 1" in said
    assert "next would come" in said
    asked = pd.read_csv(batch)
    assert list(asked["round"]) == [1] * 4
    truth = pd.read_csv(folder / "truth.csv").set_index("candidate")
    results = asked[["candidate", "round"]].assign(growth=truth.loc[asked["candidate"], "growth"].to_numpy())
    results.loc[1, "growth"] = np.nan
    results.to_csv(folder / "results.csv", index=False)
    assert "3 measured, 1 failed" in run(command, "campaign", "record", file, str(folder / "results.csv"))
    status = json.loads(run(command, "campaign", "status", file, "--json"))
    assert status["measured"] == 13
    assert status["failed"] == [asked["candidate"][1]]
    assert status["rounds"][0]["measured"] == 3
    assert "failed: " in run(command, "campaign", "status", file)
    assert "the same to the last bit" in run(command, "campaign", "replay", file)
    run(command, "campaign", "report", file)
    assert "Everything that came back" in (folder / "c.html").read_text(encoding="utf-8")


def test_json_is_json_also_without_a_model(folder: Path, command: Callable[..., Any]) -> None:
    text = (folder / "study.toml").read_text(encoding="utf-8").split("[results]")[0]
    (folder / "study.toml").write_text(text, encoding="utf-8")
    made = json.loads(run(command, "propose", str(folder / "study.toml"), "--json"), parse_constant=_refuse)
    assert len(made["batch"]) == 4
    assert made["expected"] is None


def _refuse(name: str) -> None:
    raise ValueError(name)


def run(command: Callable[..., Any], *words: str) -> str:
    outcome = command(*words)
    assert outcome.code == 0, outcome.err
    return str(outcome.out)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("campaign", "status", "none.sqlite"), "there is no such campaign"),
        (("propose", "none.toml"), "there is no such study file"),
        (("propose", "study.toml", "--size", "400"), "20 candidates can be chosen"),
        (("propose", "study.toml", "--goal", "luck"), "goal"),
        (("propose", "study.toml", "--readout", "gene"), "not changed by 'readout'"),
    ],
)
def test_what_is_refused(
    folder: Path, command: Callable[..., Any], words: tuple[str, ...], complaint: str
) -> None:
    placed = [str(folder / word) if word.endswith((".toml", ".sqlite")) else word for word in words]
    outcome = command(*placed)
    assert outcome.code == 2
    assert complaint in outcome.err
    assert "Traceback" not in outcome.err


def test_strategies_are_simulated_and_gone_on_with(folder: Path, command: Callable[..., Any]) -> None:
    words = ("campaign", "simulate", "iris", "--seeds", "1", "--out", str(folder / "sim"))
    said = run(command, *words, "--strategy", "random", "--strategy", "margin")
    assert "iris, accuracy" in said
    curves = pd.read_csv(folder / "sim" / "iris" / "curves.csv")
    assert set(curves["strategy"]) == {"random", "margin"}
    again = command(*words, "--strategy", "random", "--strategy", "margin")
    assert again.code == 0
    assert "2 of 2 runs are finished already" in again.err
    assert command(*words, "--strategy", "marginn").code == 2
    assert command(*words, "--where", "moon").code == 2


def test_the_readme_shows_a_study_and_commands_that_there_are(command: Callable[..., Any]) -> None:
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## What to measure next")[2].partition("\n## ")[0]
    study = parse_campaign_study(tomllib.loads(section.partition("```toml\n")[2].partition("```")[0]))
    assert study.batch.budget == 600
    named = set(re.findall(r"\$ pajamo campaign ([a-z]+)", section))
    assert named == {"new", "propose", "record", "status", "simulate"}
    listed = command("campaign", "--help").out
    assert all(re.search(rf"\b{name}\b", listed) for name in {*named, "report", "replay"})
