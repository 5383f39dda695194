"""The command line on assays: check, fit, predict, the demo's names, exit codes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

STUDY = """
name = "tiny"
wild_type = "ACGTAC"
[experiments.one]
path = "table.csv"
measurement = { kind = "continuous", value = "y", nonlinearity = "linear" }
[mechanisms.bound]
kind = "thermodynamic"
transcribes = ["A"]
sites.A = { start = 1, length = 4 }
[models]
starts = 1
steps = 30
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Readings of a promoter with one site, in the folder in which commands run."""
    rng = np.random.default_rng(0)
    codes = rng.integers(4, size=(300, 6))
    energy = (rng.normal(0, 1.5, (4, 4))[np.arange(4), codes[:, 1:5]]).sum(axis=1)
    value = 1 / (1 + np.exp(energy)) + 0.05 * rng.standard_normal(300)
    table = pd.DataFrame({"x": ["".join("ACGT"[code] for code in row) for row in codes], "y": value})
    table.to_csv(tmp_path / "table.csv", index=False)
    path = tmp_path / "study.toml"
    path.write_text(STUDY, encoding="utf-8")
    return path


def replaced(study: Path, old: str, new: str) -> Path:
    text = study.read_text(encoding="utf-8")
    assert old in text
    study.write_text(text.replace(old, new), encoding="utf-8")
    return study


def test_check_counts_rows_mutations_and_parameters(study: Path, command: Callable[..., Any]) -> None:
    outcome = command("check", study)
    assert outcome.code == 0
    assert "one: 300 rows of 6 letters, 300 observations" in outcome.out
    assert "mutations per sequence" in outcome.out
    assert "bound can be fitted" in outcome.out
    assert "2 states" in " ".join(outcome.out.split())
    assert "ready to use: 0 errors" in outcome.out


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("start = 1, length = 4", "start = 4, length = 4", ["ERROR", "bound can be fitted", "not ready"]),
        ("table.csv", "tabel.csv", ["ERROR", "tables can be read", "tabel.csv"]),
        ('value = "y"', 'value = "z"', ["ERROR", "no column 'z'"]),
        ('"ACGTAC"', '"ACGUAC"', ["ERROR", "outside the alphabet"]),
    ],
)
def test_check_says_what_cannot_be_used(
    study: Path, command: Callable[..., Any], old: str, new: str, words: list[str]
) -> None:
    outcome = command("check", replaced(study, old, new))
    assert outcome.code == 2
    assert outcome.err == ""
    for word in words:
        assert word in " ".join(outcome.out.split())


@pytest.mark.parametrize("rows", [1, 12])
def test_check_warns_of_few_rows(study: Path, command: Callable[..., Any], rows: int) -> None:
    table = pd.read_csv(study.parent / "table.csv")
    table.head(rows).to_csv(study.parent / "table.csv", index=False)
    replaced(study, 'wild_type = "ACGTAC"', 'wild_type = "ACGTAC"\nholdout = [0, 0]')
    outcome = command("check", study)
    assert outcome.code == 0
    told = " ".join(outcome.out.split())
    assert "WARNING rows to learn from" in told
    assert "WARNING rows to judge on: 0 test rows" in told
    assert "WARNING bound can be fitted" in told


def test_unknown_keys_are_user_errors(study: Path, command: Callable[..., Any]) -> None:
    outcome = command("run", replaced(study, "transcribes", "transcribe"))
    assert outcome.code == 2
    assert "did you mean 'transcribes'" in outcome.err


def test_fit_and_predict(study: Path, command: Callable[..., Any], tmp_path: Path) -> None:
    outcome = command("fit", study, "-o", "bound.safetensors")
    assert (outcome.code, outcome.out.strip()) == (0, "wrote bound.safetensors (bound)")
    assert (
        command("predict", "bound.safetensors", "table.csv").out.strip()
        == "wrote prediction.csv (300 sequences)"
    )
    made = pd.read_csv(tmp_path / "prediction.csv")
    assert list(made) == ["sequence", "activity", "coordinate", "expected"]
    measured = pd.read_csv(tmp_path / "table.csv")["y"]
    assert np.corrcoef(made["expected"], measured)[0, 1] > 0.9
    outcome = command("predict", "bound.safetensors", "ACGTAC", "ACCCAC", "-o", "two.csv")
    assert outcome.out.strip() == "wrote two.csv (2 sequences)"
    assert pd.read_csv(tmp_path / "two.csv")["sequence"].tolist() == ["ACGTAC", "ACCCAC"]
    outcome = command("predict", "bound.safetensors", "ACG")
    assert outcome.code == 2
    assert "3 letters, the model was fitted to 6" in outcome.err
    outcome = command("predict", "bound.safetensors", "table.csv", "--sequence", "seq")
    assert outcome.code == 2
    assert "no column 'seq'" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("fit", "study.toml", "--model", "bond"), "did you mean 'bound'"),
        (("fit", "study.toml", "--fold", "1"), "an assay has no folds"),
        (("evaluate", "model.safetensors", "study.toml"), "takes the study of a screen"),
        (("demo", "cisregg"), "did you mean 'cisreg'"),
    ],
)
def test_what_an_assay_has_not_is_a_user_error(
    study: Path, command: Callable[..., Any], arguments: tuple[str, ...], words: str
) -> None:
    outcome = command(*arguments)
    assert outcome.code == 2
    assert words in outcome.err


def test_few_rows_run_without_a_test_set_and_say_so(
    study: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pajamo.pipeline.assays.run.render_assay_report", lambda folder: folder.name)
    table = pd.read_csv(study.parent / "table.csv")
    table.head(40).to_csv(study.parent / "table.csv", index=False)
    replaced(study, 'wild_type = "ACGTAC"', 'wild_type = "ACGTAC"\nholdout = [0, 0]')
    outcome = command("run", study)
    assert outcome.code == 0, outcome.err
    assert "On the training set itself (nothing was held out)" in outcome.out


def test_interrupt_is_130_and_says_how_to_go_on(
    study: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pajamo.pipeline.assays.fitting.fit_assay", interrupted)
    outcome = command("run", study)
    assert outcome.code == 130
    assert "the same command goes on where it stopped" in outcome.err


def test_help_names_both_demos(command: Callable[..., Any]) -> None:
    text = " ".join(command("demo", "--help").out.split())
    assert "cisreg" in text
    assert "perturbation" in text
